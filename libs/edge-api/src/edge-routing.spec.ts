import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  BUCKETS,
  bucketKey,
  decodeJson,
  encodeJson,
  SUBJECTS,
  type Bus,
  type OutcomesV1,
  type Provider,
  type RankedUpstreamV2,
  type RoutedModelV2,
} from '@switchboard/contracts';
import { createLocalBus } from '@switchboard/platform';
import { CatalogBucket, CHAT_REPLY, startEdge, startUpstream, type Edge, type Upstream } from './__fixtures__/edge';
import { bodyOf } from './__fixtures__/served-edge';
import { KeysBucket, silent } from './__fixtures__/keys-bucket';
import { candidate } from './core/__fixtures__/candidate';

type Answer = (incoming: IncomingMessage, response: ServerResponse) => void;

const reply: Answer = (_, response) => void response.setHeader('content-type', 'application/json').end(CHAT_REPLY);
const status =
  (code: number, headers = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, { 'content-type': 'application/json', ...headers }).end('{"error":{"message":"no"}}');
const silence: Answer = () => undefined;
const hangUp: Answer = (incoming) => void incoming.socket.destroy();

const timeouts = { connectMs: 1_000, firstTokenMs: 300, idleMs: 5_000, totalMs: 5_000 };

let bus: Bus;
let edge: Edge;
let catalog: CatalogBucket;
let url: string;
let upstreams: Record<string, Upstream>;
let answers: Record<string, Answer>;

beforeEach(async () => {
  bus = createLocalBus({ log: silent });
  catalog = new CatalogBucket(bus);
  const keys = new KeysBucket(bus);
  await keys.putTenant({});
  await keys.putKey('ac_live_k', {});
  await keys.putKey('ac_live_admin', { permissions: ['llm', 'admin'] });
  await keys.putKey('ac_live_picky', { models: ['m'] });
  [upstreams, answers] = [{}, {}];
  for (const name of ['one', 'two', 'three']) {
    answers[name] = reply;
    upstreams[name] = await startUpstream((incoming, response) => answers[name]?.(incoming, response));
    await putProvider(name, { tier: name === 'two' ? 3 : 2 });
  }
  await catalog.putModel('m', ['one', 'two']);
  await catalog.putModel('other', ['three']);
  await catalog.putSettings();
  edge = startEdge(bus);
  url = `http://127.0.0.1:${await edge.opened}`;
});

afterEach(async () => {
  await edge.replica.close();
  await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
  await bus.close();
});

const putProvider = (name: string, changes: Partial<Provider> = {}) =>
  catalog.putProvider(name, upstreams[name]?.url ?? '', { timeouts, trustedNetwork: true, ...changes });

const post = (more: object = {}, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    ...{ method: 'POST', headers: { 'x-api-key': 'ac_live_k', ...headers } },
    body: bodyOf('openai', { model: 'm', ...more }),
  });

async function ask(more: object = {}, headers: Record<string, string> = {}) {
  const response = await post(more, headers);
  const body = (await response.json()) as { error?: { message: string; code: string } };
  return {
    status: response.status,
    upstream: response.headers.get('x-acme-upstream'),
    attempts: Number(response.headers.get('x-acme-attempts')),
    retryAfter: response.headers.get('retry-after'),
    error: body.error,
  };
}

/** What is published reaches the edge a moment later. */
async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const asked = (name: string) => upstreams[name]?.requests.length;

/** As the router tells it. */
async function tell(ranked: Partial<RankedUpstreamV2> & { provider: string }, version = 1, epoch = 1): Promise<void> {
  const { model } = candidate().upstream;
  const found: RankedUpstreamV2 = { model, state: 'healthy', stateVersion: version, weight: 1, ...ranked };
  const entry: RoutedModelV2 = { epoch, version, createdAtMs: Date.now(), model: 'm', upstreams: [found] };
  await bus.bucket(BUCKETS.routing).put(bucketKey.model('m'), encodeJson(entry));
  await settled();
}

/** What was published has reached the edge. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('health', () => {
  test('the better tier serves, and once it hangs up the other does, soon at once', async () => {
    expect(await ask()).toMatchObject({ status: 200, upstream: 'one', attempts: 1 });
    answers.one = hangUp;
    await eventually(async () => {
      const { status: code, upstream, attempts } = await ask();
      expect({ code, upstream }).toEqual({ code: 200, upstream: 'two' });
      return attempts === 1;
    });
  });

  test('429 parks the upstream for as long as it asked; without another upstream that is told with the time', async () => {
    answers.one = status(429, { 'retry-after': '30' });
    expect(await ask()).toMatchObject({ status: 200, upstream: 'two', attempts: 2 });
    expect(await ask()).toMatchObject({ status: 200, upstream: 'two', attempts: 1 });
    answers.three = status(429, { 'retry-after': '30' });
    expect((await ask({ model: 'other' })).status).toBe(429);
    expect(await ask({ model: 'other' })).toMatchObject({ status: 429, retryAfter: '30', attempts: 0 });
    expect([asked('one'), asked('three')]).toEqual([1, 1]);
  });

  test('401 puts the account aside, 400 does not', async () => {
    answers.one = status(400);
    for (let call = 0; call < 5; call++) expect((await ask()).status).toBe(400);
    answers.one = status(401);
    expect(await ask()).toMatchObject({ status: 200, upstream: 'two', attempts: 2 });
    expect(await ask()).toMatchObject({ attempts: 1 });
    expect(asked('one')).toBe(6);
  });

  test('where all hang, the next calls learn it at once, with the time to come again', async () => {
    answers.three = silence;
    const streams = await Promise.all([1, 2].map(() => ask({ model: 'other', stream: true })));
    expect(streams.map(({ status: code }) => code)).toEqual([504, 504]);
    expect(await ask({ model: 'other' })).toMatchObject({ status: 502, retryAfter: '1', attempts: 0 });
    expect(asked('three')).toBe(2);
  });

  test('where all hang, one call at a time finds out whether that is over, and nobody else waits', async () => {
    answers.three = silence;
    const stream = () => ask({ model: 'other', stream: true });
    await Promise.all([stream(), stream()]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const told = (await Promise.all([1, 2, 3, 4].map(stream))).map(({ status: code }) => code);
    expect(told.sort()).toEqual([502, 502, 502, 504]);
    expect(asked('three')).toBe(3);
    answers.three = reply;
    await eventually(async () => (await ask({ model: 'other' })).status === 200);
    expect((await ask({ model: 'other' })).status).toBe(200);
    expect((await Promise.all([1, 2].map(() => ask({ model: 'other' })))).map(({ attempts }) => attempts)).toEqual([
      1, 1,
    ]);
  });

  test('who has waited in vain for one is not made to wait for another that hangs', async () => {
    await putProvider('one', { tier: 2, timeouts: { ...timeouts, firstTokenMs: 1_500 } });
    await settled();
    answers.one = answers.two = silence;
    const first = ask({ stream: true });
    await eventually(() => asked('one') === 1);
    await tell({ provider: 'one', state: 'open', retryAfterMs: 60_000 });
    const others = await Promise.all([1, 2].map(() => ask({ stream: true })));
    expect(others.map(({ status: code }) => code)).toEqual([504, 504]);
    expect(await first).toMatchObject({ status: 504, attempts: 1 });
    expect(asked('two')).toBe(2);
  });

  test('a whole reply that hangs goes elsewhere once nothing else of its upstream is answered', async () => {
    answers.one = silence;
    const whole = ask();
    await Promise.all([1, 2].map(() => post({ stream: true }).then((response) => response.text())));
    expect(await whole).toMatchObject({ status: 200, upstream: 'two', attempts: 2 });
  });

  test('a new credential is another account', async () => {
    answers.one = status(401);
    await ask();
    answers.one = reply;
    await putProvider('one', { apiKey: 'sk-better' });
    await eventually(async () => (await ask()).upstream === 'one');
  });
});

describe('what the router found', () => {
  test('closes an upstream for those who have not used it, and is overruled by nothing older', async () => {
    await ask();
    await tell({ provider: 'one', state: 'open', retryAfterMs: 60_000 });
    expect((await ask()).upstream).toBe('two');
    await tell({ provider: 'one' }, 2);
    expect((await ask()).upstream).toBe('one');
  });

  test('of a router that leads no more is ignored, and what cannot be read changes nothing', async () => {
    await tell({ provider: 'one', state: 'open', retryAfterMs: 60_000 }, 1, 7);
    await tell({ provider: 'one' }, 9, 6);
    await bus.bucket(BUCKETS.routing).put(bucketKey.model('m'), Buffer.from('{'));
    expect((await ask()).upstream).toBe('two');
    await bus.bucket(BUCKETS.routing).delete(bucketKey.model('m'));
    await eventually(async () => (await ask()).upstream === 'one');
  });
});

test('the routers are told what became of each call', async () => {
  const told: OutcomesV1[] = [];
  bus.subscribe(SUBJECTS.outcomes, (payload) => told.push(decodeJson(payload)));
  answers.one = status(500);
  await ask();
  await ask({ model: 'other', stream: false });
  await eventually(() => told.length > 0);
  const [first] = told;
  const of = (provider: string) => first?.upstreams.find((each) => each.provider === provider);
  expect(of('one')).toMatchObject({ model: 'upstream-model', counts: { failed: 1 }, inFlight: 0, late: 0 });
  expect(of('two')).toMatchObject({ counts: { ok: 1 }, replies: 1, inputTokens: 10, outputTokens: 5 });
  expect(of('three')?.counts).toEqual({ ok: 1 });
});

test('the routers are told what a provider says of its account, in the words of its kind', async () => {
  const told: OutcomesV1[] = [];
  bus.subscribe(SUBJECTS.outcomes, (payload) => told.push(decodeJson(payload)));
  answers.one = (_, response) => {
    const quota = { 'x-ratelimit-limit-tokens': '100', 'x-ratelimit-remaining-tokens': '25' };
    response.writeHead(429, { ...quota, 'retry-after': '1', 'retry-after-ms': '59000' }).end('{}');
  };
  await ask();
  await eventually(() => told.length > 0);
  expect(told[0]?.providers).toMatchObject([{ provider: 'one', quotaLeft: 0.25 }]);
  expect(told[0]?.upstreams[0]?.parkedForMs).toBeGreaterThan(50_000);
});

test('a key that may see how the gateway decides is shown it, another is told that it may not', async () => {
  answers.one = hangUp;
  await ask();
  const shownTo = async (key: string) =>
    (await post({}, { 'x-api-key': key, 'x-acme-route-debug': '1' })).headers.get('x-acme-route') ?? '';
  expect(JSON.parse(await shownTo('ac_live_admin'))).toMatchObject([
    { model: 'm', upstream: 'two', place: 0, standing: 'healthy', why: 'chosen' },
    { model: 'm', upstream: 'one', place: 1, standing: 'degraded', why: 'last failed: broken' },
  ]);
  expect(await shownTo('ac_live_k')).toContain('lacks the permission');
  expect((await post()).headers.has('x-acme-route')).toBe(false);
});

describe('retries', () => {
  test('end with their budget', async () => {
    const retries = { share: 0, least: 1 };
    await catalog.putSettings({ routing: { retries, fallbacks: [] } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    answers.one = status(500);
    expect(await ask()).toMatchObject({ status: 200, attempts: 2 });
    await tell({ provider: 'two', state: 'degraded' });
    answers.two = status(500);
    expect(await ask()).toMatchObject({ status: 502, attempts: 1 });
  });

  test('are not made of what may have been done already', async () => {
    const tools = [{ type: 'web_search' }];
    answers.one = hangUp;
    expect(await ask({ tools })).toMatchObject({ status: 502, attempts: 1 });
    answers.one = status(503);
    expect(await ask({ tools })).toMatchObject({ status: 200 });
  });
});

describe('fallbacks', () => {
  beforeEach(() => {
    answers.one = status(500);
    answers.two = status(500);
  });

  test('of the request, in a header or the body, come after every upstream of the model', async () => {
    expect(await ask({}, { 'x-acme-fallbacks': 'nothing-else, other' })).toMatchObject({ status: 404 });
    expect(await ask({}, { 'x-acme-fallbacks': 'other' })).toMatchObject({
      status: 200,
      upstream: 'three',
      attempts: 3,
    });
    expect(await ask({ models: ['m', 'other'] })).toMatchObject({ status: 200, upstream: 'three' });
    expect(upstreams.three?.bodies.map((body) => 'models' in body)).toEqual([false, false]);
    expect(await ask({ models: 'other' })).toMatchObject({ status: 400 });
  });

  test('of a key that may not use them are refused', async () => {
    expect(await ask({ models: ['other'] }, { 'x-api-key': 'ac_live_picky' })).toMatchObject({ status: 403 });
  });

  test('of the policy are left out where the key may not use them', async () => {
    const routing = { retries: { share: 0.1, least: 10 }, fallbacks: [{ models: ['m*'], to: ['other'] }] };
    await catalog.putSettings({ routing });
    await eventually(async () => (await ask()).status === 200);
    expect(await ask({}, { 'x-api-key': 'ac_live_picky' })).toMatchObject({ status: 502 });
  });
});

test('a session stays with one of several equals', async () => {
  await putProvider('two', { tier: 2 });
  await catalog.putModel('m', ['one', 'two', 'three']);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const served = new Set<string | null>();
  for (const session of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
    const first = (await ask({}, { 'x-session-id': session })).upstream;
    for (let turn = 0; turn < 3; turn++) expect((await ask({}, { 'x-session-id': session })).upstream).toBe(first);
    served.add(first);
  }
  expect(served.size).toBeGreaterThan(1);
});
