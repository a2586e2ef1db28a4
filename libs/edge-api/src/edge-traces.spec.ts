import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Bus, parseTraceparent } from '@switchboard/contracts';
import { createLocalBus, type FinishedSpan } from '@switchboard/platform';
import { CatalogBucket, CHAT_REPLY, startEdge, startUpstream, type Edge, type Upstream } from './__fixtures__/edge';
import { KeysBucket, silent } from './__fixtures__/keys-bucket';
import type { EdgeReplicaOptions } from './edge-replica';

type Answer = (incoming: IncomingMessage, response: ServerResponse) => void;

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CLIENT_SPAN = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE}-${CLIENT_SPAN}-01`;
const UNSAMPLED = `00-${TRACE}-${CLIENT_SPAN}-00`;

const reply: Answer = (_, response) => void response.setHeader('content-type', 'application/json').end(CHAT_REPLY);
const failing: Answer = (_, response) =>
  void response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
const rejecting: Answer = (_, response) =>
  void response.writeHead(422, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
const brokenStream: Answer = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n', () => response.destroy());
};
const late: Answer = (incoming, response) => void setTimeout(() => reply(incoming, response), 60);

let bus: Bus;
let catalog: CatalogBucket;
let edge: Edge;
let url: string;
let upstreams: Record<string, Upstream>;
let answers: Record<string, Answer>;
let spans: FinishedSpan[];

beforeEach(async () => {
  bus = createLocalBus({ log: silent });
  catalog = new CatalogBucket(bus);
  const keys = new KeysBucket(bus);
  await keys.putTenant({});
  await keys.putKey('ac_live_k', {});
  await keys.putKey('ac_live_bound', { limits: { rpm: 10 } });
  [upstreams, answers, spans] = [{}, { one: reply, two: reply }, []];
  for (const name of ['one', 'two']) {
    upstreams[name] = await startUpstream((incoming, response) => answers[name]?.(incoming, response));
    await catalog.putProvider(name, upstreams[name].url, { tier: name === 'one' ? 2 : 3, trustedNetwork: true });
  }
  await catalog.putModel('m', ['one', 'two']);
  await catalog.putSettings();
});

afterEach(async () => {
  await edge.replica.close();
  await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
  await bus.close();
});

async function open(changes: Partial<NonNullable<EdgeReplicaOptions['traces']>> = {}): Promise<void> {
  const traces = { ratio: 0, slowFirstTokenMs: 10_000, slowReplyMs: 60_000, ...changes };
  edge = startEdge(bus, {}, silent, { spans: { record: (span) => void spans.push(span) }, ...traces });
  url = `http://127.0.0.1:${await edge.opened}`;
}

async function ask(headers: Record<string, string> = {}, body: object = {}, key = 'ac_live_k'): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions?x=1`, {
    ...{ method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers } },
    body: JSON.stringify({ model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'hunter2' }], ...body }),
  });
  await response.text();
  // A call is on record by the end of the turn that ended it.
  await new Promise(setImmediate);
  return response;
}

/** `name < name of its parent`, in the order they were told. */
function tree(): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ name, parentSpanId = '' }) => `${name} < ${names.get(parentSpanId) ?? parentSpanId}`);
}

const sent = (upstream: string) => upstreams[upstream]!.requests.map(({ headers }) => headers.traceparent);

test('a call that its client samples is told whole, in its trace, and nothing of its prompt', async () => {
  await open();
  answers['one'] = failing;
  await ask({ traceparent: SAMPLED, tracestate: 'a=b', 'user-agent': 'test/1' }, {}, 'ac_live_bound');
  expect(tree()).toEqual([
    `POST /v1/chat/completions < ${CLIENT_SPAN}`,
    'reserve < POST /v1/chat/completions',
    'chat upstream-model < POST /v1/chat/completions',
    'chat upstream-model < POST /v1/chat/completions',
  ]);
  const [root, admission, first, second] = spans as [FinishedSpan, FinishedSpan, FinishedSpan, FinishedSpan];
  expect(spans.every(({ traceId, traceState }) => traceId === TRACE && traceState === 'a=b')).toBe(true);
  expect(root).toMatchObject({
    ...{ kind: 'server', error: undefined, hasRemoteParent: true },
    attributes: {
      ...{ 'http.request.method': 'POST', 'http.route': '/v1/chat/completions', 'http.response.status_code': 200 },
      ...{ 'url.path': '/v1/chat/completions', 'user_agent.original': 'test/1', 'switchboard.attempts': 2 },
      'switchboard.trace.kept': 'sampled',
    },
  });
  expect(first).toMatchObject({ kind: 'client', error: '500', attributes: { 'http.response.status_code': 500 } });
  expect(second).toMatchObject({
    ...{ kind: 'client', error: undefined },
    attributes: {
      ...{ 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'two', 'gen_ai.request.max_tokens': 50 },
      ...{ 'gen_ai.request.stream': false, 'gen_ai.response.finish_reasons': ['stop'] },
      ...{ 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 5 },
      ...{ 'server.address': '127.0.0.1', 'server.port': Number(new URL(upstreams['two']!.url).port) },
      'http.request.resend_count': 1,
    },
  });
  expect(JSON.stringify(spans)).not.toContain('hunter2');
  // Each is told the span that it belongs to.
  expect(edge.limiter.traceparents).toEqual([`00-${TRACE}-${admission.spanId}-01`]);
  expect(sent('one')).toEqual([`00-${TRACE}-${first.spanId}-01`]);
  expect(sent('two')).toEqual([`00-${TRACE}-${second.spanId}-01`]);
  expect(upstreams['two']!.requests[0]!.headers['tracestate']).toBe('a=b');
  expect(edge.usage).toMatchObject([{ traceparent: `00-${TRACE}-${root.spanId}-01` }]);
  // Each within the one above it, one after the other.
  const times = [root.startedMs, admission.startedMs, admission.endedMs, first.startedMs, first.endedMs];
  times.push(second.startedMs, second.endedMs, root.endedMs);
  expect(times).toEqual([...times].sort((left, right) => left - right));
});

test('a call that nobody samples is told to nobody, nor is its context made up', async () => {
  await open();
  await ask({}, {}, 'ac_live_bound');
  expect(spans).toEqual([]);
  expect(sent('one')).toEqual([undefined]);
  expect(edge.limiter.traceparents).toEqual([undefined]);
  expect(edge.usage[0]).not.toHaveProperty('traceparent');
});

test('a context that its client does not sample is passed on as it came', async () => {
  await open({ ratio: 1 });
  await ask({ traceparent: UNSAMPLED, tracestate: 'a=b' });
  expect(spans).toEqual([]);
  expect(sent('one')).toEqual([UNSAMPLED]);
  expect(upstreams['one']!.requests[0]!.headers['tracestate']).toBe('a=b');
});

test.each<Record<string, string>>([{}, { traceparent: 'garbage', tracestate: 'a=b' }])(
  'with %j the share decides, in a trace of its own',
  async (headers) => {
    await open({ ratio: 1 });
    await ask(headers);
    expect(tree()[0]).toBe('POST /v1/chat/completions < ');
    const [root] = spans;
    expect(parseTraceparent(sent('one')[0])).toMatchObject({ traceId: root!.traceId, flags: 1 });
    expect(upstreams['one']!.requests[0]!.headers['tracestate']).toBeUndefined();
  },
);

test.each([
  ['every upstream fails', failing, {}, 502, 'error', 'upstream_error', ['500', '500']],
  ['its stream breaks off', brokenStream, { stream: true }, 200, 'error', 'upstream_error', ['upstream_error']],
] as const)('%s: kept though nobody samples it', async (_, answer, body, status, kept, error, attempts) => {
  await open();
  answers['one'] = answers['two'] = answer;
  await ask({ traceparent: UNSAMPLED }, body);
  const [root, ...rest] = spans as [FinishedSpan, ...FinishedSpan[]];
  expect(root).toMatchObject({
    ...{ traceId: TRACE, parentSpanId: CLIENT_SPAN, error },
    attributes: { 'http.response.status_code': status, 'switchboard.trace.kept': kept },
  });
  expect(rest.map((span) => span.error)).toEqual(attempts);
  expect(edge.usage[0]?.traceparent).toBe(`00-${TRACE}-${root.spanId}-01`);
});

test('what the gateway refuses with 5xx is kept, what it refuses for the client’s own fault is not', async () => {
  await open();
  edge.limiter.away = true;
  await catalog.putSettings({ limiterUnavailable: 'closed' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await ask({}, {}, 'ac_live_bound')).status).toBe(503);
  expect(tree()).toEqual(['POST /v1/chat/completions < ', 'reserve < POST /v1/chat/completions']);
  expect(spans.map(({ error }) => error)).toEqual(['limiter_unavailable', 'limiter_unavailable']);
  spans = [];
  edge.limiter.away = false;
  edge.limiter.denial = { scope: 'key:k', reason: 'requests', retryAfterMs: 1_000 };
  expect((await ask({}, {}, 'ac_live_bound')).status).toBe(429);
  answers['one'] = rejecting;
  expect((await ask()).status).toBe(422);
  expect((await ask({}, { model: 'unknown' })).status).toBe(404);
  expect((await ask({ traceparent: SAMPLED }, {}, 'ac_live_nobody')).status).toBe(401);
  expect(spans).toEqual([]);
});

test('a sampled call that is refused is told with why', async () => {
  await open();
  edge.limiter.denial = { scope: 'key:k', reason: 'inputTokens', retryAfterMs: 1_000 };
  expect((await ask({ traceparent: SAMPLED }, {}, 'ac_live_bound')).status).toBe(429);
  expect(tree()).toEqual([`POST /v1/chat/completions < ${CLIENT_SPAN}`, 'reserve < POST /v1/chat/completions']);
  expect(spans[0]).toMatchObject({ attributes: { 'http.response.status_code': 429 } });
});

test('a slow reply is kept, by the bound of its kind', async () => {
  await open({ slowReplyMs: 30 });
  answers['one'] = late;
  await ask();
  expect(spans[0]).toMatchObject({ attributes: { 'switchboard.trace.kept': 'slow' }, error: undefined });
});
