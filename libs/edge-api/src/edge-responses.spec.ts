import type { Provider } from '@switchboard/contracts';
import { createLocalBus } from '@switchboard/platform';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { CatalogBucket, startEdge, startUpstream } from './__fixtures__/edge';
import { KeysBucket, silent, until } from './__fixtures__/keys-bucket';
import { bodyOf, ServedEdge, type ServedEdgeOptions } from './__fixtures__/served-edge';
import { chat, ReadStream, responses, UpstreamStream } from './__fixtures__/streams';

type Json = Record<string, unknown>;

const KEYS = { 'plain-key': {}, 'logged-key': { logging: { requests: true, prompts: false } } };
const eventsOf = (text: string): Json[] =>
  text
    .split('\n\n')
    .filter((event) => event.startsWith('event: '))
    .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as Json);

const closing: (() => Promise<void>)[] = [];
const serve = async (options: ServedEdgeOptions = {}): Promise<ServedEdge> => {
  const served = await ServedEdge.start({ keys: KEYS, ...options });
  closing.push(() => served.close());
  return served;
};
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('a Responses client', () => {
  let simulator: RunningSimulator;
  let stop: () => Promise<void>;
  let url: string;
  const usage: { record?: () => Json | undefined } = {};

  const providers: [id: string, kind: Provider['kind'], path: string, upstreamPath: string][] = [
    ['openai', 'openai', '/v1', '/v1/responses'],
    ['azure', 'azure-openai', '', '/openai/v1/responses'],
    ['responses', 'responses-compatible', '/v1', '/v1/responses'],
    ['chat', 'openai-compatible', '/v1', '/v1/chat/completions'],
    ['anthropic', 'anthropic', '', '/v1/messages'],
  ];

  beforeAll(async () => {
    simulator = await startSimulator();
    const bus = createLocalBus({ log: silent });
    const [keys, catalog] = [new KeysBucket(bus), new CatalogBucket(bus)];
    await keys.putTenant();
    await keys.putKey('plain-key');
    for (const [id, kind, path] of providers) {
      await catalog.putProvider(id, simulator.url + path, { kind });
      await catalog.putModel(`on/${id}`, [id]);
    }
    await catalog.putSettings();
    const edge = startEdge(bus);
    url = `http://127.0.0.1:${await edge.opened}`;
    usage.record = () => edge.usage.at(-1) as Json | undefined;
    stop = async () => {
      await edge.replica.close();
      await bus.close();
      await simulator.close();
    };
  });
  afterAll(() => stop());
  beforeEach(() => simulator.reset());

  const post = (path: string, body: object): Promise<Response> =>
    fetch(url + path, { method: 'POST', headers: { authorization: 'Bearer plain-key' }, body: JSON.stringify(body) });

  it.each(providers)('is served by an upstream of the kind of %s (%s), streamed and not', async (id, _kind, _, at) => {
    const ask = { model: `on/${id}`, instructions: 'Be brief.', input: 'hello', metadata: { team: 'x' }, store: false };
    const reply = await post('/v1/responses', ask);
    const whole = (await reply.json()) as Json;
    expect(reply.status).toBe(200);
    expect(whole).toMatchObject({
      ...{ object: 'response', status: 'completed', model: `on/${id}`, metadata: { team: 'x' } },
      id: expect.stringMatching(/^resp_/),
      output: [{ type: 'message', content: [{ type: 'output_text', text: expect.stringContaining('hello') }] }],
    });
    expect(reply.headers.get('x-request-id')).toBe(reply.headers.get('x-acme-request-id'));
    const [record] = simulator.served().requests;
    expect(record?.path).toBe(at);
    const tokens = { inputTokens: record?.input_tokens, outputTokens: record?.output_tokens };
    await until(() => usage.record?.()?.['clientDialect'] === 'openai-responses', 'the record');
    expect(usage.record?.()).toMatchObject({ usage: tokens, accuracy: 'exact', finish: 'stop' });
    expect(whole['usage']).toMatchObject({ input_tokens: record?.input_tokens, output_tokens: record?.output_tokens });

    const streamed = eventsOf(await (await post('/api/openai/responses', { ...ask, stream: true })).text());
    expect(streamed.map(({ sequence_number: number }) => number)).toEqual(streamed.map((_event, index) => index));
    expect(streamed[0]).toMatchObject({ type: 'response.created', response: { model: `on/${id}` } });
    expect(streamed.at(-1)).toMatchObject({
      type: 'response.completed',
      response: { model: `on/${id}`, status: 'completed', usage: whole['usage'] },
    });
  });

  it('shares OpenAI with clients of other dialects, each spoken to in what serves it best', async () => {
    await post('/v1/chat/completions', { model: 'on/openai', messages: [{ role: 'user', content: 'hello' }] });
    await post('/v1/messages', { model: 'on/openai', max_tokens: 99, messages: [{ role: 'user', content: 'hello' }] });
    await post('/v1/responses', { model: 'on/openai', input: 'hello' });
    const paths = simulator.served().requests.map(({ path }) => path);
    expect(paths).toEqual(['/v1/chat/completions', '/v1/chat/completions', '/v1/responses']);
  });

  it.each(['anthropic', 'chat'])('of Responses servers alone, a client of %s is served too', async (dialect) => {
    const messages = [{ role: 'user', content: 'hello' }];
    const path = dialect === 'chat' ? '/v1/chat/completions' : '/v1/messages';
    const reply = await post(path, { model: 'on/responses', max_tokens: 99, messages, stream: true });
    expect(await reply.text()).toContain(dialect === 'chat' ? 'data: [DONE]' : 'event: message_stop');
    expect(simulator.served().requests).toMatchObject([{ path: '/v1/responses', outcome: 'completed' }]);
  });

  it.each(['openai', 'chat'])('is told how many tokens its input has, before %s', async (id) => {
    const reply = await post('/v1/responses/input_tokens', {
      model: `on/${id}`,
      instructions: 'Be brief.',
      input: 'Hi',
    });
    expect(await reply.json()).toEqual({ object: 'response.input_tokens', input_tokens: expect.any(Number) });
    expect(reply.headers.get('x-acme-token-count')).toBe(id === 'openai' ? 'native' : 'estimate');
  });

  it.each([
    [{ input: 'hello' }, 'model', 'missing_required_parameter'],
    [{ model: 'on/chat' }, 'input', 'missing_required_parameter'],
    [{ model: 'on/chat', input: [] }, 'input', 'missing_required_parameter'],
    [{ model: 'on/chat', input: {} }, 'input', 'invalid_type'],
    [{ model: 'on/chat', input: 'hello', max_output_tokens: 'x' }, 'max_output_tokens', 'invalid_parameter'],
  ])('that sends %j is told what is wrong, in OpenAI’s shape', async (body, param, code) => {
    const reply = await post('/v1/responses', body);
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ error: { type: 'invalid_request_error', param, code } });
    expect(simulator.served().requests).toEqual([]);
  });

  it('before a busy upstream is told when to come back', async () => {
    await fetch(`${simulator.url}/__behaviour?status=429`, { method: 'POST' });
    const reply = await post('/v1/responses', { model: 'on/openai', input: 'hello' });
    await fetch(`${simulator.url}/__behaviour`, { method: 'POST' });
    expect(reply.status).toBe(429);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('a Responses stream of an upstream', () => {
  it('that fails before its first item is another upstream’s to answer', async () => {
    const bus = createLocalBus({ log: silent });
    const [keys, catalog] = [new KeysBucket(bus), new CatalogBucket(bus)];
    await keys.putTenant();
    await keys.putKey('plain-key');
    const [failing, well] = [new UpstreamStream(), new UpstreamStream()];
    const upstreams = [await startUpstream(failing.answer), await startUpstream(well.answer)];
    await catalog.putProvider('first', upstreams[0]!.url, { kind: 'responses-compatible', tier: 0 });
    await catalog.putProvider('second', upstreams[1]!.url, { kind: 'openai-compatible', tier: 1 });
    await catalog.putModel('test/model', ['first', 'second']);
    await catalog.putSettings();
    const edge = startEdge(bus);
    closing.push(
      () => edge.replica.close(),
      ...upstreams.map(({ close }) => close),
      () => bus.close(),
    );
    const url = `http://127.0.0.1:${await edge.opened}`;
    const headers = { 'x-api-key': 'plain-key' };
    const reply = fetch(`${url}/v1/responses`, {
      method: 'POST',
      headers,
      body: bodyOf('responses', { stream: true }),
    });
    await failing.send(responses.created());
    // So that both are not read at once.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await failing.send(responses.failed('server_error', 'No capacity'));
    failing.end();
    await well.send(chat.start(), chat.delta('Hi'), chat.end({ prompt_tokens: 7, completion_tokens: 2 }));
    well.end();
    const { headers: told, status } = await reply;
    expect([status, told.get('x-acme-upstream'), told.get('x-acme-attempts')]).toEqual([200, 'second', '2']);
    const types = eventsOf(await (await reply).text()).map(({ type }) => type);
    expect(types.filter((type) => type === 'response.created')).toHaveLength(1);
    expect(types.at(-1)).toBe('response.completed');
    expect(upstreams.map(({ requests }) => requests.map((request) => request.url))).toEqual([
      ['/v1/responses'],
      ['/v1/chat/completions'],
    ]);
  });

  it('that fails after it is told as an error, and as a response that failed', async () => {
    const stream = new UpstreamStream();
    const edge = await serve({ kind: 'openai', answer: stream.answer });
    const reply = edge.post('responses', 'plain-key', { stream: true });
    await stream.send(responses.created(), responses.begin(), responses.delta('Hel'));
    const read = new ReadStream(await reply);
    await until(() => read.text.includes('Hel'), 'the beginning');
    stream.end();
    await until(() => read.ended, 'the end');
    const [error, failed] = eventsOf(read.text).slice(-2);
    expect(error).toMatchObject({ type: 'error', message: expect.any(String) });
    expect(failed).toMatchObject({
      ...{ type: 'response.failed', response: { status: 'failed', error: { message: error!['message'] } } },
    });
  });

  it('passes through under the name of the catalog, and is logged under its own endpoint', async () => {
    const stream = new UpstreamStream();
    const edge = await serve({ kind: 'openai', answer: stream.answer });
    const reply = edge.post('responses', 'logged-key', { stream: true, future: [1] });
    await stream.send(responses.created(), responses.begin(), responses.delta('Hi'));
    await stream.send(responses.end('Hi', { input_tokens: 7, output_tokens: 2 }));
    stream.end();
    const text = await (await reply).text();
    expect(text).not.toContain('upstream-model');
    expect(eventsOf(text).at(-1)).toMatchObject({ response: { model: 'test/model', id: 'resp_1' } });
    expect(edge.upstream.bodies).toMatchObject([{ model: 'upstream-model', future: [1] }]);
    await until(() => edge.calls.length > 0, 'the call');
    expect(edge.calls).toMatchObject([{ endpoint: 'responses', usage: { inputTokens: 7, outputTokens: 2 } }]);
  });
});

describe.each([
  ['Responses', 'openai', [responses.created(), responses.begin(), responses.delta(`begun${'.'.repeat(12_000)}`)]],
  ['Chat', 'openai-compatible', [chat.start(), chat.delta(`begun${'.'.repeat(12_000)}`)]],
] as const)('a budget that a stream of an upstream of %s uses up', (_, kind, begun) => {
  it('ends it as one that reached its length, which is no more than was asked for', async () => {
    const stream = new UpstreamStream();
    const keys = { budgeted: { budget: { nanoUsd: 25e9, period: 'day' as const } } };
    const edge = await serve({ kind, answer: stream.answer, keys });
    edge.limiter.outputTokensMost = 400;
    edge.limiter.extensionsMost = 0;
    const reply = edge.post('responses', 'budgeted', { stream: true, max_output_tokens: 900, max_tokens: 7 });
    await stream.send(...begun);
    const text = await (await reply).text();
    // On record by the end of the turn that ended it.
    await new Promise(setImmediate);
    expect(text).toContain('\n: x-acme-stopped: budget_exceeded\n');
    expect(eventsOf(text).at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    });
    const limit = kind === 'openai' ? { max_output_tokens: 400 } : { max_completion_tokens: 400 };
    expect(edge.upstream.bodies).toMatchObject([limit]);
    expect(edge.limiter.reserved[0]?.amounts.outputTokens).toEqual({ least: 900, most: 900 });
    expect(edge.usage).toMatchObject([{ finish: 'budget_exceeded', accuracy: 'estimated' }]);
  });
});
