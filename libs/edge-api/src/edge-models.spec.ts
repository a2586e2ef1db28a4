import Anthropic from '@anthropic-ai/sdk';
import { SimulatedEdge } from './__fixtures__/simulated-edge';

const PLAIN = { streaming: true, vision: false, documents: false, reasoning: false, structuredOutputs: false };

let world: SimulatedEdge;
beforeAll(async () => {
  world = await SimulatedEdge.start({
    providers: { claude: { kind: 'anthropic-compatible' }, chat: {}, refused: {} },
    models: {
      'anthropic/claude-test': { upstreams: { claude: 'sim-any' } },
      'test/two': { upstreams: { refused: 'sim-any', claude: 'sim-any' } },
      'test/refused': { upstreams: { refused: 'sim-any;status=401' } },
      'test/plain': { upstreams: { chat: 'sim-any' }, capabilities: { ...PLAIN, tools: 'native' } },
      'test/toolless': { upstreams: { chat: 'sim-any' }, capabilities: { ...PLAIN, tools: 'none' } },
      'test/embeds': { upstreams: { chat: 'sim-any' }, category: 'embedding' },
    },
    keys: { 'key-plain': {}, 'key-narrow': { models: ['test/p*'] } },
  });
});
afterAll(() => world.close());

const BEARER = { authorization: 'Bearer key-plain' };
async function get<T>(path: string, headers: Record<string, string> = BEARER): Promise<T> {
  const reply = await fetch(world.url + path, { headers });
  expect([path, reply.status]).toEqual([path, 200]);
  return (await reply.json()) as T;
}

interface Listing {
  data: { id: string; health?: string; upstreams?: unknown }[];
  models?: Record<string, unknown>[];
}

describe('the catalog', () => {
  const shown = async (id: string) => {
    const { health, upstreams } = await get<Listing['data'][0]>(`/api/v1/models/${id}`);
    return { health, upstreams };
  };
  const open = { provider: 'refused', state: 'open' };
  /** What is refused a connection is open for half a second: a slow machine may take longer to ask, and asks again. */
  const shownWhileOpen = async (id: string) => {
    for (;;) {
      await call('test/refused');
      const before = await shown('test/refused');
      const seen = await shown(id);
      const after = await shown('test/refused');
      if (before.health === 'down' && after.health === 'down') return { before, seen };
    }
  };
  const call = async (model: string) => {
    const body = { model, messages: [{ role: 'user', content: 'Hi' }] };
    return (await world.post('/v1/chat/completions', 'key-plain', body)).text();
  };

  it('tells how each upstream of a model fares, and by that the model', async () => {
    expect(await shown('test/two')).toMatchObject({ health: 'healthy' });
    const { before, seen } = await shownWhileOpen('test/two');
    expect(before).toEqual({ health: 'down', upstreams: [open] });
    expect(seen).toEqual({
      health: 'healthy',
      upstreams: expect.arrayContaining([open, { provider: 'claude', state: 'healthy' }]),
    });
    const { data } = await get<Listing>('/api/v1/models');
    expect(data.map((model) => [model.id, model.health])).toContainEqual(['test/two', 'healthy']);
    expect(data.map((model) => [model.id, model.health])).not.toContainEqual(['test/refused', 'healthy']);
    expect(JSON.stringify(data)).not.toContain('127.0.0.1');
  });
});

describe('Codex', () => {
  it('finds models it can use beside the list of all', async () => {
    const { data, models } = await get<Listing>('/v1/models?client_version=0.169.0');
    expect(data).toHaveLength(6);
    expect(models?.map(({ slug }) => slug)).toEqual([
      'anthropic/claude-test',
      'test/plain',
      'test/refused',
      'test/two',
    ]);
    expect(models?.[0]).toMatchObject({
      ...{ display_name: 'Test', context_window: 200_000, max_context_window: 200_000, priority: 1 },
      ...{ input_modalities: ['text', 'image'], default_reasoning_level: 'medium', visibility: 'list' },
    });
    expect(models?.[1]).toMatchObject({ input_modalities: ['text'], supported_reasoning_levels: [] });
    expect(models?.[1]).not.toHaveProperty('default_reasoning_level');
  });

  it('gets every member without which it would drop the list', async () => {
    const { models } = await get<Listing>('/v1/models?client_version=0.169.0');
    // Those without a default in its 0.98 or 0.169, and their types there.
    for (const model of models ?? []) {
      expect(model).toMatchObject({
        ...{ slug: expect.any(String) as string, display_name: expect.any(String) as string },
        ...{ description: expect.any(String) as string, shell_type: 'unified_exec', supported_in_api: true },
        ...{ priority: expect.any(Number) as number, upgrade: null, availability_nux: null },
        ...{ base_instructions: expect.stringMatching(/./) as string, support_verbosity: false },
        ...{ supports_reasoning_summaries: expect.any(Boolean) as boolean, default_verbosity: null },
        ...{ apply_patch_tool_type: 'freeform', supports_parallel_tool_calls: true, experimental_supported_tools: [] },
        truncation_policy: { mode: 'tokens', limit: expect.any(Number) as number },
        supported_reasoning_levels: expect.any(Array) as unknown[],
      });
    }
  });

  it('is told of what its key may use, and nobody else is told its list', async () => {
    const narrow = { authorization: 'Bearer key-narrow' };
    const { models } = await get<Listing>('/api/openai/v1/models?client_version=0.169.0', narrow);
    expect(models?.map(({ slug }) => slug)).toEqual(['test/plain']);
    expect(await get<Listing>('/v1/models')).not.toHaveProperty('models');
  });
});

describe('Claude Code', () => {
  it.each([
    ['x-api-key', { 'x-api-key': 'key-plain', 'anthropic-version': '2023-06-01' }],
    ['a bearer token', { ...BEARER, 'anthropic-version': '2023-06-01' }],
    ['the version of the newest SDK', { ...BEARER, 'anthropic-version': '2026-10-21' }],
    ['both', { ...BEARER, 'x-api-key': 'key-plain' }],
  ] as [string, Record<string, string>][])('discovers models with %s', async (_, headers) => {
    const listing = await get<Listing>('/v1/models?limit=1000', headers);
    expect(listing).toMatchObject({ has_more: false, first_id: 'anthropic/claude-test', last_id: 'test/two' });
    const usable = listing.data.filter(({ id }) => /claude|anthropic/.test(id));
    expect(usable).toMatchObject([{ type: 'model', id: 'anthropic/claude-test', display_name: 'Test' }]);
    for (const id of ['anthropic%2Fclaude-test', 'anthropic/claude-test', 'claude-test']) {
      expect(await get(`/v1/models/${id}`, headers)).toEqual(usable[0]);
    }
  });

  it('reads them with the SDK', async () => {
    const client = new Anthropic({ baseURL: world.url, apiKey: 'key-plain', maxRetries: 0 });
    const ids: string[] = [];
    for await (const { id } of client.models.list({ limit: 2 })) ids.push(id);
    expect(ids).toHaveLength(6);
    expect((await client.models.retrieve('claude-test')).id).toBe('anthropic/claude-test');
  });
});
