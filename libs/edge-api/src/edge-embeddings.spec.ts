import type { IncomingMessage, ServerResponse } from 'node:http';
import OpenAINow from 'openai';
import OpenAIBefore from 'openai-4x';
import { ServedEdge } from './__fixtures__/served-edge';
import { SimulatedEdge, type SimulatedModel } from './__fixtures__/simulated-edge';

const KEYS = {
  'key-plain': {},
  'key-embeds': { permissions: ['embeddings' as const], logging: { requests: true, prompts: false } },
  'key-converses': { permissions: ['llm' as const] },
  'key-budgeted': { budget: { nanoUsd: 1e9, period: 'day' as const }, limits: { rpm: 60, otpm: 1 } },
};
const embeds = (upstreams: Record<string, string>): SimulatedModel => ({
  upstreams,
  ...{ category: 'embedding', contextWindow: 8191, maxOutputTokens: 0, aliases: [] },
});

let world: SimulatedEdge;
beforeAll(async () => {
  world = await SimulatedEdge.start({
    providers: {
      compatible: {},
      openai: { kind: 'openai', tier: 3 },
      azure: { kind: 'azure-openai', apiVersion: '2024-10-21' },
      responses: { kind: 'responses-compatible' },
      claude: { kind: 'anthropic-compatible' },
    },
    models: {
      'test/embeds': { ...embeds({ compatible: 'sim-any' }), aliases: ['embeds'] },
      'test/failing': embeds({ compatible: 'sim-any;status=500', openai: 'sim-any' }),
      'test/absent': embeds({ compatible: 'sim-any;status=404', openai: 'sim-any' }),
      'test/refusing': embeds({ compatible: 'sim-any;status=422' }),
      'test/on-azure': embeds({ azure: 'sim-any' }),
      'test/on-responses': embeds({ responses: 'sim-any' }),
      'test/on-claude': embeds({ claude: 'sim-any' }),
      'test/model': { upstreams: { compatible: 'sim-any' } },
    },
    keys: KEYS,
  });
});
afterAll(() => world.close());
beforeEach(() => world.forget());

const ask = { model: 'test/embeds', input: 'Hello there' };
const embed = (more: object = {}, key = 'key-plain', path = '/v1/embeddings') =>
  world.post(path, key, { ...ask, ...more });
const errorOf = async (reply: Response): Promise<Record<string, string>> =>
  ((await reply.json()) as { error: Record<string, string> }).error;

describe.each([
  ['7.55', OpenAINow],
  ['4.104', OpenAIBefore as unknown as typeof OpenAINow],
])('openai %s', (_, OpenAI) => {
  const client = () => new OpenAI({ baseURL: `${world.url}/v1`, apiKey: 'key-plain', maxRetries: 0 });

  it('asks for base64 unasked, and gets the vectors that numbers are', async () => {
    const request = { ...ask, input: ['Hello', 'there'], dimensions: 64 };
    const unasked = await client().embeddings.create(request);
    const numbers = await client().embeddings.create({ ...request, encoding_format: 'float' });
    const asked = world.simulator.received().map(({ body }) => (body as { encoding_format?: string }).encoding_format);
    expect(asked).toEqual(['base64', 'float']);
    const vectors = unasked.data.map(({ embedding }) => [...embedding]);
    expect(vectors.map(({ length }) => length)).toEqual([64, 64]);
    expect(vectors).toEqual(numbers.data.map(({ embedding }) => embedding));
    expect(unasked).toMatchObject({ object: 'list', model: 'test/embeds' });
  });

  it('gets right vectors of an upstream that only knows numbers', async () => {
    const vector = [0.5, -0.125, 2.5];
    const data = [{ object: 'embedding', index: 0, embedding: vector }];
    const body = JSON.stringify({ object: 'list', data, model: 'up', usage: { prompt_tokens: 2, total_tokens: 2 } });
    const answer = (_: IncomingMessage, response: ServerResponse) =>
      void response.setHeader('content-type', 'application/json').end(body);
    const served = await ServedEdge.start({ answer, model: { category: 'embedding' }, keys: KEYS });
    try {
      const other = new OpenAI({ baseURL: `${served.url}/v1`, apiKey: 'key-plain', maxRetries: 0 });
      const reply = await other.embeddings.create({ model: 'test/model', input: 'Hi' });
      expect([...reply.data[0]!.embedding]).toEqual(vector);
    } finally {
      await served.close();
    }
  });
});

describe('a call', () => {
  it('is billed by its input alone, told in the reply, the record and the log', async () => {
    const reply = await embed({ input: 'x'.repeat(40) }, 'key-embeds');
    expect(reply.status).toBe(200);
    const { usage } = (await reply.json()) as { usage: Record<string, number> };
    expect(usage).toEqual({ prompt_tokens: 10, total_tokens: 10, cost_usd: 10 * 3e-6 });
    const requestId = reply.headers.get('x-acme-request-id');
    const told = { requestId, model: 'test/embeds', upstream: 'compatible', costNanoUsd: 30_000, accuracy: 'exact' };
    expect(world.edge.usage).toEqual([
      expect.objectContaining({ ...told, stream: false, finish: 'stop', status: 200 }),
    ]);
    expect(world.edge.usage[0]?.usage).toMatchObject({ inputTokens: 10, outputTokens: 0 });
    expect(world.edge.calls).toEqual([expect.objectContaining({ requestId, endpoint: 'embeddings', status: 200 })]);
    expect(reply.headers.get('x-request-id')).toBe(requestId);
    expect(reply.headers.get('x-acme-upstream')).toBe('compatible');
  });

  it('is reserved before, with no output, and settled after', async () => {
    expect((await embed({ input: 'x'.repeat(40) }, 'key-budgeted')).status).toBe(200);
    const [reserved] = world.edge.limiter.reserved;
    expect(reserved?.amounts.outputTokens).toEqual({ least: 0, most: 0 });
    expect(reserved?.amounts.inputTokens).toBeGreaterThan(10);
    expect(reserved?.amounts.nanoUsd).toBeGreaterThanOrEqual(30_000);
    expect(world.edge.limiter.settled).toMatchObject([{ nanoUsd: 30_000, inputTokens: 10, outputTokens: 0 }]);
  });

  it('beyond a budget is a 402, and no upstream hears of it', async () => {
    world.edge.limiter.denial = { scope: 'key:k', reason: 'budget' };
    const reply = await embed({}, 'key-budgeted');
    expect([reply.status, (await errorOf(reply)).code]).toEqual([402, 'budget_exceeded']);
    expect(world.simulator.served().requests).toEqual([]);
  });

  it.each(['/api/openai/embeddings', '/api/openai/v1/embeddings', '/v1/v1/embeddings'])(
    'is served at %s',
    async (path) => {
      expect((await embed({}, 'key-plain', path)).status).toBe(200);
    },
  );

  it.each<[unknown, number]>([
    ['Hi', 1],
    [['Hi', 'you'], 2],
    [[1, 2, 3], 1],
    [[[1, 2], [3]], 2],
  ])('takes %j, under an alias', async (input, vectors) => {
    const reply = await embed({ input, model: 'embeds', dimensions: 4, user: 'somebody' });
    const { data } = (await reply.json()) as { data: { embedding: number[] }[] };
    expect(data.map(({ embedding }) => embedding.length)).toEqual(Array(vectors).fill(4));
    expect(world.simulator.received()[0]?.body).toEqual({ model: 'sim-any', input, dimensions: 4, user: 'somebody' });
    expect(world.edge.usage[0]).toMatchObject({ requestedModel: 'embeds', endUser: 'somebody' });
  });

  it.each([
    ['test/on-azure', '/openai/deployments/sim-any/embeddings?api-version=2024-10-21'],
    ['test/on-responses', '/v1/embeddings'],
  ])('for %s goes to %s', async (model, path) => {
    expect((await embed({ model })).status).toBe(200);
    expect(world.simulator.received().map((request) => request.path)).toEqual([path]);
  });

  it('goes on to the next upstream where one fails, and where one has no such model', async () => {
    for (const model of ['test/failing', 'test/absent']) {
      const reply = await embed({ model });
      expect([reply.status, reply.headers.get('x-acme-upstream')]).toEqual([200, 'openai']);
    }
    expect(world.edge.usage).toHaveLength(2);
  });

  it('that the upstream refuses is told in its words, uncharged', async () => {
    const reply = await embed({ model: 'test/refusing' });
    expect(reply.status).toBe(422);
    expect((await errorOf(reply)).message).toBe('Simulated failure 422');
    expect(world.edge.usage).toMatchObject([{ costNanoUsd: 0, status: 422 }]);
  });
});

describe('refused', () => {
  it.each<[object, number, string, RegExp]>([
    [{ input: undefined }, 400, 'input', /Missing required parameter: 'input'/],
    [{ encoding_format: 'binary' }, 400, 'encoding_format', /'float' or 'base64'/],
    [{ model: undefined }, 400, 'model', /must provide a model/],
    [{ model: 'test/model' }, 400, 'model', /test\/model is an llm model and makes no embeddings/],
    [{ model: 'auto' }, 400, 'model', /Name one embedding model/],
    [{ models: ['test/failing'] }, 400, 'models', /Name one embedding model/],
    [{ model: 'test/embed' }, 404, 'model', /closest are: test\/embeds/],
    [
      { model: 'test/on-claude' },
      400,
      'model',
      /test\/on-claude has no embeddings: its upstreams \(anthropic-compatible\)/,
    ],
  ])('%j is a %i that names %s', async (more, status, param, message) => {
    const reply = await embed(more);
    expect(reply.status).toBe(status);
    expect(await errorOf(reply)).toMatchObject({ param, message: expect.stringMatching(message) as string });
    expect(world.simulator.served().requests).toEqual([]);
  });

  it('without the permission it needs, which is its own', async () => {
    expect((await embed({}, 'key-converses')).status).toBe(403);
    expect((await embed({}, 'key-embeds')).status).toBe(200);
    const chat = { model: 'test/model', messages: [{ role: 'user', content: 'Hi' }] };
    expect((await world.post('/v1/chat/completions', 'key-embeds', chat)).status).toBe(403);
  });

  it('by its method', async () => {
    const reply = await fetch(`${world.url}/v1/embeddings`, { headers: { authorization: 'Bearer key-plain' } });
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST']);
  });
});
