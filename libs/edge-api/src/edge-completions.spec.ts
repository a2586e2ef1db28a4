import OpenAINow from 'openai';
import OpenAIBefore from 'openai-4x';
import { SimulatedEdge } from './__fixtures__/simulated-edge';

const BUDGETED = { budget: { nanoUsd: 1e12, period: 'day' as const } };

let world: SimulatedEdge;
beforeAll(async () => {
  world = await SimulatedEdge.start({
    providers: {
      compatible: {},
      openai: { kind: 'openai', tier: 3 },
      azure: { kind: 'azure-openai' },
      claude: { kind: 'anthropic-compatible', tier: 1 },
    },
    models: {
      'test/model': { upstreams: { compatible: 'sim-any' } },
      'test/anywhere': { upstreams: { claude: 'sim-any', compatible: 'sim-any' } },
      'test/chat-only': { upstreams: { compatible: 'sim-any;status=404', openai: 'sim-any' } },
      'test/breaking': { upstreams: { compatible: 'sim-any;chunks=10;chunk_delay_ms=20;mid_stream_error=3' } },
      'test/untold': { upstreams: { compatible: 'sim-any;no_usage=1' } },
      'test/on-azure': { upstreams: { azure: 'sim-any' } },
      'test/on-claude': { upstreams: { claude: 'sim-any' } },
    },
    keys: { 'key-plain': {}, 'key-embeds': { permissions: ['embeddings'] }, 'key-budgeted': BUDGETED },
  });
});
afterAll(() => world.close());
beforeEach(() => world.forget());

const ask = { model: 'test/model', prompt: 'Once upon a time', max_tokens: 400 };
const TEXT = 'Hi from the Switchboard simulator. You wrote: Once upon a time';
const complete = (more: object = {}, key = 'key-plain', path = '/v1/completions') =>
  world.post(path, key, { ...ask, ...more });
const errorOf = async (reply: Response): Promise<Record<string, string>> =>
  ((await reply.json()) as { error: Record<string, string> }).error;
const sent = () => world.simulator.received().map(({ body }) => body as Record<string, unknown>);

describe.each([
  ['7.55', OpenAINow],
  ['4.104', OpenAIBefore as unknown as typeof OpenAINow],
])('openai %s', (_, OpenAI) => {
  const client = () => new OpenAI({ baseURL: `${world.url}/v1`, apiKey: 'key-plain', maxRetries: 0 });

  it('completes', async () => {
    const reply = await client().completions.create(ask);
    expect(reply).toMatchObject({ object: 'text_completion', model: 'test/model', choices: [{ text: TEXT }] });
    const [served] = world.simulator.served().requests;
    expect(served?.path).toBe('/v1/completions');
    expect(reply.usage).toMatchObject({
      prompt_tokens: served?.input_tokens,
      completion_tokens: served?.output_tokens,
    });
    expect(world.edge.usage[0]?.usage).toMatchObject({
      ...{ inputTokens: served?.input_tokens, outputTokens: served?.output_tokens },
    });
  });

  it('streams, and is billed by usage it never sees unless it asks', async () => {
    for (const include_usage of [false, true]) {
      world.forget();
      const options = include_usage ? { stream_options: { include_usage } } : {};
      const stream = await client().completions.create({ ...ask, ...options, stream: true });
      let text = '';
      let told = 0;
      for await (const chunk of stream) {
        expect(chunk).toMatchObject({ object: 'text_completion', model: 'test/model' });
        text += chunk.choices[0]?.text ?? '';
        if (chunk.usage) told++;
      }
      expect([text, told]).toEqual([TEXT, include_usage ? 1 : 0]);
      expect(sent()[0]?.['stream_options']).toEqual({ include_usage: true });
      const [served] = world.simulator.served().requests;
      expect(world.edge.usage).toMatchObject([
        { stream: true, accuracy: 'exact', finish: 'stop', usage: { outputTokens: served?.output_tokens } },
      ]);
    }
  });

  it('gets an error where a stream breaks', async () => {
    const stream = await client().completions.create({ ...ask, model: 'test/breaking', stream: true });
    const read = async () => {
      for await (const chunk of stream) expect(chunk.object).toBe('text_completion');
    };
    await expect(read()).rejects.toThrow('Simulated failure in the middle of the stream');
  });
});

it('of several prompts, several times each, all that is written is set aside and billed', async () => {
  const reply = await complete({ prompt: ['One', 'Two'], n: 2, best_of: 3, max_tokens: 100 }, 'key-budgeted');
  const { choices } = (await reply.json()) as { choices: { index: number }[] };
  expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  expect(world.edge.limiter.reserved[0]?.amounts.outputTokens).toEqual({ least: 600, most: 600 });
  const [served] = world.simulator.served().requests;
  expect(world.edge.limiter.settled).toMatchObject([{ outputTokens: served?.output_tokens }]);
});

it.each([
  [{ max_tokens: 400 }, 90, 90],
  [{ max_tokens: 50 }, 90, 50],
  [{ max_tokens: undefined }, 90, 16],
  [{ max_tokens: undefined }, 9, 9],
])('asked for %j of %i granted, the upstream is asked for %i in the name it knows', async (more, granted, asked) => {
  world.edge.limiter.outputTokensMost = granted;
  expect((await complete({ ...more, model: 'test/chat-only' }, 'key-budgeted')).status).toBe(200);
  world.edge.limiter.outputTokensMost = Infinity;
  expect(sent().at(-1)).toMatchObject({ max_tokens: asked });
  expect(sent().at(-1)).not.toHaveProperty('max_completion_tokens');
});

it('without a limit of its own the body is as the client sent it', async () => {
  await complete({ max_tokens: undefined, suffix: ' end', logit_bias: {} }, 'key-budgeted');
  expect(sent()).toEqual([{ model: 'sim-any', prompt: ask.prompt, suffix: ' end', logit_bias: {} }]);
});

it('goes to those of its upstreams that have it, under auto too', async () => {
  for (const model of ['test/anywhere', 'auto']) {
    const reply = await complete({ model });
    expect([reply.status, reply.headers.get('x-acme-upstream')]).toEqual([200, expect.not.stringMatching('claude')]);
  }
});

it('where an upstream has it for other models only the next one is asked, and its health is not to blame', async () => {
  for (let round = 0; round < 3; round++) {
    const reply = await complete({ model: 'test/chat-only' });
    expect([reply.headers.get('x-acme-upstream'), reply.headers.get('x-acme-attempts')]).toEqual(['openai', '2']);
  }
});

it('is counted where the upstream tells no usage', async () => {
  await (await complete({ model: 'test/untold' })).text();
  expect(world.edge.usage).toMatchObject([
    { accuracy: 'estimated', usage: { outputTokens: Math.ceil(TEXT.length / 4) } },
  ]);
});

it('reaches Azure where its v1 API has it', async () => {
  expect((await complete({ model: 'test/on-azure' })).status).toBe(200);
  expect(world.simulator.received()[0]?.path).toBe('/openai/v1/completions');
});

it('of a model on Anthropic alone is a 400 that says so by name', async () => {
  const reply = await complete({ model: 'test/on-claude' });
  expect(reply.status).toBe(400);
  expect((await errorOf(reply)).message).toBe(
    'The model test/on-claude has no legacy completions: its upstreams (anthropic-compatible) do not offer them.',
  );
});

it('needs the permission of conversations, and numbers that are some', async () => {
  expect((await complete({}, 'key-embeds')).status).toBe(403);
  const reply = await complete({ best_of: 'many' });
  expect([reply.status, (await errorOf(reply)).param]).toEqual([400, 'best_of']);
});
