import type { Socket } from 'node:net';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { freePort } from '@switchboard/platform';
import { startGateway, type RunningGateway } from '../gateway';
import {
  CLIENT_DIALECTS,
  conversation,
  errorIn,
  eventsIn,
  looksComplete,
  streamedText,
  streamError,
  type ClientDialect,
} from './conversation';
import {
  GATEWAY_ENV,
  gatewayConfig,
  KEY,
  model,
  provider,
  UPSTREAM_DIALECTS,
  UPSTREAM_KEY,
  type Json,
  type UpstreamDialect,
} from './gateway-config';
import { send, type RawReply } from './http-exchange';
import { httpChunk, LAST_CHUNK, plainReply, startRawUpstream, STREAM_HEAD, type RawUpstream } from './raw-upstream';
import { gauge, usageOf } from './usage-ledger';

jest.setTimeout(60_000);

const TIMEOUT_MS = 1200;
const PROMPT = 'a prompt that no log may hold';

/** Client dialect over upstream dialect, whole and streamed. */
const CASES = CLIENT_DIALECTS.flatMap((client) =>
  UPSTREAM_DIALECTS.flatMap((upstream) =>
    [false, true].map((stream): [ClientDialect, UpstreamDialect, boolean] => [client, upstream, stream]),
  ),
);
const PAIRS = CASES.filter(([, , stream]) => stream).map(([client, upstream]) => [client, upstream] as const);

const STATUSES = [400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 529];

/** What the simulator does after the first bytes have gone out. The delay lets them go. */
const MID_STREAM = {
  truncated: 'truncate=3,clean',
  closed: 'truncate=3,close',
  reset: 'truncate=3,reset',
  'half-event': 'half_event=3',
  malformed: 'malformed=3',
  'reported-error': 'mid_stream_error=3',
  stalled: 'stall=3',
} as const;

/** The same for a whole reply: after its head, before its end. */
const MID_BODY = {
  closed: 'truncate=close',
  reset: 'truncate=reset',
  malformed: 'malformed=1',
  stalled: 'stall=1',
} as const;

const OPENING = {
  anthropic: `event: message_start\ndata: ${JSON.stringify({
    type: 'message_start',
    message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'x', content: [], usage: { input_tokens: 9 } },
  })}\n\n`,
  chat: `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { role: 'assistant' } }] })}\n\n`,
};
const STACK = 'Error: boom at /srv/app/server.js:12:5\\n    at Object.<anonymous> (/srv/app/server.js:12:5)';
const HTML = `<html><body><h1>502 Bad Gateway</h1><pre>upstream 10.1.2.3:8443 ${UPSTREAM_KEY} ${STACK}</pre></body></html>`;

/** What a raw upstream may do instead of answering. */
const RAW: Record<string, (socket: Socket, dialect: UpstreamDialect, elsewhere: string) => void> = {
  garbage: (socket) => socket.end('\x00\x01\x02 this is not HTTP \r\n\r\n'),
  'closes-at-once': (socket) => socket.end(),
  'resets-at-once': (socket) => socket.resetAndDestroy(),
  'half-a-head': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-ty'),
  'empty-200': (socket) => socket.end(plainReply('200 OK', 'application/json', '')),
  'empty-stream': (socket) => socket.end(`${STREAM_HEAD}${LAST_CHUNK}`),
  'half-a-chunk': (socket) => socket.end(`${STREAM_HEAD}40\r\ndata: {"id":"x"`),
  'garbage-stream': (socket) => socket.end(`${STREAM_HEAD}${httpChunk('data: <html>\n\n')}${LAST_CHUNK}`),
  'html-200': (socket) => socket.end(plainReply('200 OK', 'text/html', HTML)),
  'html-502': (socket) => socket.end(plainReply('502 Bad Gateway', 'text/html', HTML)),
  'html-400': (socket) => socket.end(plainReply('400 Bad Request', 'text/html', HTML)),
  redirect: (socket, _dialect, elsewhere) =>
    socket.end(plainReply('307 Temporary Redirect', 'text/plain', '', [`location: ${elsewhere}/v1/messages`])),
  'other-json': (socket) => socket.end(plainReply('200 OK', 'application/json', '{"ok":true}')),
  'error-with-200': (socket) =>
    socket.end(plainReply('200 OK', 'application/json', '{"error":{"message":"no GPU left","type":"server_error"}}')),
  'error-first': (socket, dialect) => {
    const error = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
    const event = dialect === 'anthropic' ? `event: error\ndata: ${error}\n\n` : `data: ${error}\n\n`;
    socket.end(`${STREAM_HEAD}${httpChunk(event)}${LAST_CHUNK}`);
  },
  'endless-event': (socket, dialect) => {
    socket.write(`${STREAM_HEAD}${httpChunk(OPENING[dialect])}`);
    const piece = httpChunk('x'.repeat(1 << 20));
    socket.write(httpChunk('data: '));
    const more = (error?: Error | null): void => {
      if (error == null && socket.writable) socket.write(piece, more);
    };
    more();
  },
};

let simulator: RunningSimulator;
let elsewhere: RawUpstream;
let raw: RawUpstream;
let gateway: RunningGateway;

beforeAll(async () => {
  simulator = await startSimulator();
  elsewhere = await startRawUpstream((socket) => socket.end(plainReply('200 OK', 'application/json', '{}')));
  raw = await startRawUpstream((socket, request) => {
    const name = /"model":"([^"]+)"/.exec(request)?.[1] ?? '';
    const dialect = request.startsWith('POST /v1/messages') ? 'anthropic' : 'chat';
    RAW[name]?.(socket, dialect, elsewhere.origin);
  });
  gateway = await startGateway({ config: await configFor(), env: GATEWAY_ENV });
});

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([simulator?.close(), raw?.close(), elsewhere?.close()]);
});

/** A client, and whether it streams. */
const CALLERS = CLIENT_DIALECTS.flatMap((client) => [true, false].map((stream) => [client, stream] as const));

const idOf = (fault: string, upstream: UpstreamDialect, client: ClientDialect, stream: boolean) =>
  `${fault}/${upstream}-${client}-${stream}`;

async function configFor(): Promise<Json> {
  const timeouts = { connectMs: 1000, firstTokenMs: TIMEOUT_MS, idleMs: TIMEOUT_MS, totalMs: 30_000 };
  const impatient = { ...timeouts, totalMs: TIMEOUT_MS };
  /** Where a timeout is not what the test is about: a busy machine may be late with any answer. */
  const patient = { ...timeouts, firstTokenMs: 15_000 };
  const dead = `http://127.0.0.1:${await freePort()}`;
  const providers: Json[] = [];
  const models: Json[] = [];
  for (const dialect of UPSTREAM_DIALECTS) {
    /** What one caller finds out of an upstream changes what the next one meets: each has a provider of its own. */
    const add = (fault: string, role: string, origin: string, name: string, patience = timeouts): void => {
      for (const [client, stream] of CALLERS) {
        const id = `${role}-${dialect}.${providers.length}`;
        providers.push(provider(id, dialect, origin, { timeouts: patience, probe: 'off' }));
        models.push(model(idOf(fault, dialect, client, stream), [{ provider: id, model: name }]));
      }
    };
    const simulated = (fault: string, scenario: string, patience = timeouts): void =>
      add(fault, 'sim', simulator.url, `sim-any;${scenario}`, patience);
    for (const status of STATUSES) simulated(`status-${status}`, `status=${status};retry_after=7`, patient);
    for (const [name, fault] of Object.entries(MID_STREAM)) {
      simulated(`stream-${name}`, `chunks=6;chunk_delay_ms=30;${fault}`);
    }
    for (const [name, fault] of Object.entries(MID_BODY)) simulated(`body-${name}`, fault);
    for (const name of Object.keys(RAW)) add(name, 'raw', raw.origin, name);
    simulated('hang', 'hang');
    add('hang-whole', 'impatient', simulator.url, 'sim-any;hang', impatient);
    add('dead', 'dead', dead, 'sim-any');
    simulated('well', 'chunks=3', patient);
  }
  return gatewayConfig(providers, models);
}

async function ask(
  client: ClientDialect,
  fault: string,
  upstream: UpstreamDialect,
  stream: boolean,
): Promise<RawReply> {
  const modelId = idOf(fault, upstream, client, stream);
  const reply = await send(gateway.url, conversation(client, { model: modelId, key: KEY, stream, text: PROMPT }));
  expectNoSecrets(reply);
  return reply;
}

/** Nothing a client gets may tell where the upstreams are, with what key they are called, or how they are built. */
function expectNoSecrets(reply: RawReply): void {
  const shown = `${reply.text}\n${JSON.stringify(reply.headers)}`;
  for (const secret of [UPSTREAM_KEY, '127.0.0.1', '10.1.2.3', '/srv/app', 'server.js', 'ECONN', '<html']) {
    expect(shown).not.toContain(secret);
  }
  expect(shown).not.toMatch(/\n\s+at |\\n\s+at |node:internal/);
}

function requestIdOf(reply: RawReply): string {
  return String(reply.headers['x-callmissed-request-id']);
}

/** The one error of a reply that has not begun: a status, and a body in the caller's dialect. */
function expectRefusal(reply: RawReply, client: ClientDialect, statuses: { anthropic: number; chat: number }) {
  expect(reply.complete).toBe(true);
  expect(reply.status).toBe(statuses[client]);
  expect(reply.headers['content-type']).toBe('application/json');
  expect(reply.headers['x-callmissed-attempts']).toBe('1');
  return errorIn(client, reply.text);
}

const same = (status: number) => ({ anthropic: status, chat: status });
const OVERLOADED = { anthropic: 529, chat: 503 };

describe.each(CASES)('an upstream that refuses: %s over %s, stream: %s', (client, upstream, stream) => {
  const words = (anthropic: string, chat: string) => (client === 'anthropic' ? anthropic : chat);

  test.each([400, 413, 422])('with %i is quoted, status and text', async (status) => {
    const reply = await ask(client, `status-${status}`, upstream, stream);
    expect(expectRefusal(reply, client, same(status)).message).toBe(`Simulated failure ${status}`);
    expect(reply.headers['x-callmissed-upstream']).toMatch(`sim-${upstream}`);
    expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({
      status,
      finish: 'upstream_rejected',
      accuracy: 'exact',
      inputTokens: 0,
      outputTokens: 0,
      costNanoUsd: '0',
    });
  });

  test.each([401, 403])('with %i is told as the operator’s trouble, not the caller’s', async (status) => {
    const error = expectRefusal(await ask(client, `status-${status}`, upstream, stream), client, same(502));
    expect(error.type).toBe(words('api_error', 'server_error'));
    expect(error.message).toMatch(/operator/);
  });

  test('with 404 is quoted', async () => {
    const error = expectRefusal(await ask(client, 'status-404', upstream, stream), client, same(404));
    expect(error.message).toBe('Simulated failure 404');
  });

  test('with 429 passes on how long to wait', async () => {
    const reply = await ask(client, 'status-429', upstream, stream);
    const error = expectRefusal(reply, client, same(429));
    expect(error.type).toBe(words('rate_limit_error', 'rate_limit_exceeded'));
    expect(reply.headers['retry-after']).toBe('7');
  });

  test.each([500, 502])('with %i is an upstream error', async (status) => {
    const reply = await ask(client, `status-${status}`, upstream, stream);
    const error = expectRefusal(reply, client, same(502));
    expect(error.type).toBe(words('api_error', 'server_error'));
    expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({
      status: 502,
      finish: 'upstream_error',
      inputTokens: 0,
      outputTokens: 0,
    });
  });

  test.each([503, 529])('with %i is an overload', async (status) => {
    const error = expectRefusal(await ask(client, `status-${status}`, upstream, stream), client, OVERLOADED);
    expect(error.type).toBe(words('overloaded_error', 'server_error'));
  });
});

describe.each(CASES)(
  'an upstream that fails before its first byte: %s over %s, stream: %s',
  (client, upstream, stream) => {
    const badEither = [
      'garbage',
      'closes-at-once',
      'resets-at-once',
      'half-a-head',
      'empty-200',
      'html-200',
      'html-502',
      'redirect',
      'other-json',
      'error-with-200',
      'empty-stream',
      'half-a-chunk',
      'garbage-stream',
      'dead',
    ];

    test.each(badEither)('%s is a 502', async (fault) => {
      const before = elsewhere.requests();
      const reply = await ask(client, fault, upstream, stream);
      const error = expectRefusal(reply, client, same(502));
      expect(error.type).toBe(client === 'anthropic' ? 'api_error' : 'server_error');
      expect(error.message.length).toBeGreaterThan(20);
      expect(elsewhere.requests()).toBe(before);
      const record = await usageOf(gateway, requestIdOf(reply));
      expect(record).toMatchObject({ status: 502, finish: 'upstream_error', attempts: 1, outputTokens: 0 });
    });

    test('an HTML page with a 400 keeps the status and shows none of the page', async () => {
      expect(expectRefusal(await ask(client, 'html-400', upstream, stream), client, same(400)).message).toMatch(/400/);
    });

    test('silence ends in a timeout error', async () => {
      const started = Date.now();
      const reply = await ask(client, stream ? 'hang' : 'hang-whole', upstream, stream);
      const error = expectRefusal(reply, client, same(504));
      expect(error.type).toBe(client === 'anthropic' ? 'timeout_error' : 'server_error');
      expect(Date.now() - started).toBeGreaterThanOrEqual(TIMEOUT_MS - 50);
      expect(Date.now() - started).toBeLessThan(TIMEOUT_MS + 1500);
    });
  },
);

describe.each(PAIRS)('a stream whose first event is an error: %s over %s', (client, upstream) => {
  test('is told with a status, as if it had never begun', async () => {
    expectRefusal(await ask(client, 'error-first', upstream, true), client, OVERLOADED);
  });
});

describe.each(PAIRS)('JSON where a stream was asked for: %s over %s', (client, upstream) => {
  test('is a 502, and a whole reply is still no stream', async () => {
    expectRefusal(await ask(client, 'other-json', upstream, true), client, same(502));
  });
});

describe.each(PAIRS)('a stream that fails after its first bytes: %s over %s', (client, upstream) => {
  test.each(Object.keys(MID_STREAM))('%s ends in an error event, never in success', async (fault) => {
    const reply = await ask(client, `stream-${fault}`, upstream, true);
    expect(reply.status).toBe(200);
    expect(reply.complete).toBe(true);
    expect(looksComplete(client, reply.text)).toBe(false);
    const error = streamError(client, reply.text);
    expect(error).toBeDefined();
    expect(error?.message.length).toBeGreaterThan(20);
    if (fault === 'stalled')
      expect(error).toMatchObject(client === 'anthropic' ? { type: 'timeout_error' } : { code: 'upstream_timeout' });
    if (fault === 'reported-error') expect(error?.message).toBe('Simulated failure in the middle of the stream');
    expect(eventsIn(reply.text).filter(({ data }) => data.includes('"error"'))).toHaveLength(1);

    // What did come is whole, and billed as what it is: a count, not the upstream's own figures.
    const text = streamedText(client, reply.text);
    expect(`Hi from the Switchboard simulator. You wrote: ${PROMPT}`.startsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThan(0);
    const requestId = requestIdOf(reply);
    const record = await usageOf(gateway, requestId);
    expect(record).toMatchObject({ accuracy: 'estimated', finish: 'upstream_error', status: 200, stream: true });
    expect(record.outputTokens).toBeGreaterThanOrEqual(Math.floor(text.length / 4));
    expect(record.outputTokens).toBeLessThanOrEqual(Math.ceil(text.length / 4) + 8);
    expect(record.inputTokens).toBeGreaterThan(0);
    expect(Number(record.costNanoUsd)).toBeGreaterThan(0);
    const served = simulator.served().requests.find((request) => request.request_id === requestId);
    if (upstream === 'anthropic') expect(record.inputTokens).toBe(served?.input_tokens);
  });

  test('an event without an end is cut off before it fills the memory', async () => {
    const reply = await ask(client, 'endless-event', upstream, true);
    expect(reply.complete).toBe(true);
    expect(looksComplete(client, reply.text)).toBe(false);
    if (reply.status === 200) expect(streamError(client, reply.text)).toBeDefined();
    else expectRefusal(reply, client, same(502));
    expect(reply.body.length).toBeLessThan(100_000);
  });
});

describe.each(PAIRS)('a whole reply that fails after its head: %s over %s', (client, upstream) => {
  test.each(Object.keys(MID_BODY))('%s is told with a status', async (fault) => {
    const reply = await ask(client, `body-${fault}`, upstream, false);
    const error = expectRefusal(reply, client, same(fault === 'stalled' ? 504 : 502));
    expect(error.message.length).toBeGreaterThan(20);
    // The upstream had begun to answer: that cost something, and nobody said how much.
    const record = await usageOf(gateway, requestIdOf(reply));
    expect(record).toMatchObject({ accuracy: 'estimated', finish: 'upstream_error', status: reply.status });
    expect(record.inputTokens).toBeGreaterThan(0);
  });
});

describe('after all of that', () => {
  test.each(PAIRS)('%s over %s is served as if nothing had happened', async (client, upstream) => {
    const reply = await ask(client, 'well', upstream, true);
    expect(reply.status).toBe(200);
    expect(looksComplete(client, reply.text)).toBe(true);
  });

  test('no request hangs, and the upstream has nobody waiting on it', async () => {
    expect(await gauge(gateway, 'switchboard_open_requests')).toBe(0);
    expect(simulator.served().requests.filter(({ outcome }) => outcome === 'active')).toEqual([]);
  });

  test('the log tells why, and neither the credential nor a prompt', () => {
    expect(gateway.output()).toContain('upstream attempt failed');
    expect(gateway.output()).not.toContain(UPSTREAM_KEY);
    expect(gateway.output()).not.toContain(KEY);
    expect(gateway.output()).not.toContain(PROMPT);
  });
});
