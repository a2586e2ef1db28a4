import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { SimulatedEdge } from './__fixtures__/simulated-edge';

let world: SimulatedEdge;
beforeAll(async () => {
  world = await SimulatedEdge.start({
    providers: { claude: { kind: 'anthropic-compatible' }, chat: {} },
    models: {
      'test/claude': { upstreams: { claude: 'sim-any' } },
      'test/chat': { upstreams: { chat: 'sim-any' } },
      'test/embeds': { upstreams: { chat: 'sim-any' }, category: 'embedding' },
    },
    keys: { 'key-plain': {} },
  });
});
afterAll(() => world.close());
beforeEach(() => world.forget());

const messages = [{ role: 'user', content: 'Hi' }];
const sent = () => world.simulator.received();

describe('a request of a new Anthropic client', () => {
  const auto = {
    ...{ model: 'test/claude', max_tokens: 99, messages },
    safeguards: [{ type: 'dangerous_tool_use', classifier_context: 'x' }],
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    a_field_of_tomorrow: { any: [1] },
  };

  it.each(['2023-06-01', '2026-10-21'])(
    'under the version %s reaches its upstream with all it holds',
    async (version) => {
      const headers = { 'anthropic-version': version, 'anthropic-beta': 'auto-mode-2026', 'anthropic-new': 'x' };
      const reply = await world.post('/v1/messages?beta=true', 'key-plain', auto, headers);
      expect(reply.status).toBe(200);
      expect(reply.headers.get('x-acme-translation-loss')).toBeNull();
      expect(sent()[0]).toMatchObject({ body: { ...auto, model: 'sim-any' }, headers });
      expect(sent()[0]?.path).toBe('/v1/messages?beta=true');
    },
  );

  it.each<Record<string, string>>([
    { 'x-api-key': 'key-plain', authorization: 'Bearer stale' },
    { 'x-api-key': 'stale', authorization: 'Bearer key-plain' },
    { 'x-api-key': 'key-plain', authorization: 'Bearer key-plain' },
  ])('with two credentials needs one that is good: %j', async (headers) => {
    expect((await world.post('/v1/messages', '', auto, headers)).status).toBe(200);
  });

  it.each([{ type: 'create' }, { type: 'continue', previous_message_id: 'msg_1' }])(
    'for the thread %j is refused so that the SDK sends all of it again',
    async (thread) => {
      const reply = await world.post('/v1/messages', 'key-plain', { ...auto, thread });
      expect(reply.status).toBe(400);
      const { error } = (await reply.json()) as { error: { details?: unknown } };
      expect(error.details).toEqual({ error_code: 'thread_unsupported_request' });
      expect(sent()).toEqual([]);
    },
  );
});

it.each([
  ['/v1/messages', { max_tokens: 99 }],
  ['/v1/messages/count_tokens', {}],
  ['/v1/chat/completions', {}],
])('%s takes an empty list of tools, whoever serves it', async (path, more) => {
  // Chat's API itself refuses one: only what is translated has to leave it out.
  const models = path === '/v1/chat/completions' ? ['test/claude'] : ['test/claude', 'test/chat'];
  for (const model of models) {
    const reply = await world.post(path, 'key-plain', { model, messages, tools: [], ...more });
    expect([model, reply.status]).toEqual([model, 200]);
  }
});

describe('a compressed body', () => {
  const bodies: [string, object][] = [
    ['/v1/messages', { model: 'test/chat', max_tokens: 99, messages }],
    ['/v1/messages/count_tokens', { model: 'test/chat', messages }],
    ['/v1/chat/completions', { model: 'test/chat', messages }],
    ['/v1/embeddings', { model: 'test/embeds', input: 'Hi' }],
    ['/v1/completions', { model: 'test/chat', prompt: 'Hi' }],
  ];
  const post = (path: string, body: Buffer, encoding: string) =>
    fetch(world.url + path, {
      method: 'POST',
      headers: { authorization: 'Bearer key-plain', 'content-encoding': encoding },
      body: new Uint8Array(body),
    });

  it.each(bodies)('of %s is read in every encoding that is served', async (path, body) => {
    const plain = Buffer.from(JSON.stringify(body));
    expect((await post(path, gzipSync(plain), 'gzip')).status).toBe(200);
    expect((await post(path, deflateSync(plain), 'deflate')).status).toBe(200);
    expect((await post(path, brotliCompressSync(plain), 'br')).status).toBe(200);
  });

  it.each(bodies)('of %s that is broken, a bomb or in another encoding is refused in its dialect', async (path) => {
    // The settings of the edge take 1 MiB.
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20));
    const statuses = [];
    for (const [body, encoding] of [
      [Buffer.from('no gzip'), 'gzip'],
      [bomb, 'gzip'],
      [Buffer.from('{}'), 'zstd'],
    ] as const) {
      const reply = await post(path, body, encoding);
      const { error, type } = (await reply.json()) as { error: { message: string }; type?: string };
      expect(type).toBe(path.startsWith('/v1/messages') ? 'error' : undefined);
      expect(error.message).toMatch(/\w/);
      statuses.push(reply.status);
    }
    expect(statuses).toEqual([400, 413, 415]);
    expect(sent()).toEqual([]);
  });
});
