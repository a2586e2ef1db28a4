import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startGateway, type RunningGateway } from '../gateway';
import {
  CLIENT_DIALECTS,
  conversation,
  eventsIn,
  looksComplete,
  post,
  streamedText,
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
import { open, readWhole, send } from './http-exchange';
import { longStream, sendLongStream, StreamedTextDigest, textDigest } from './long-stream';
import { rawExchange, splitHead, unchunk } from './raw-client';
import { LAST_CHUNK, startRawUpstream, STREAM_HEAD, type RawUpstream } from './raw-upstream';
import { allUsage, eventually, gauge, usageOf } from './usage-ledger';

jest.setTimeout(120_000);

const MIB = 1024 * 1024;
const KEEPALIVE_MS = 1000;
const LONG_BYTES = 200 * MIB;

const PAIRS = CLIENT_DIALECTS.flatMap((client) =>
  UPSTREAM_DIALECTS.map((upstream): [ClientDialect, UpstreamDialect] => [client, upstream]),
);

const SCENARIOS = {
  plain: 'chunks=5',
  silent: `chunks=2;chunk_delay_ms=${KEEPALIVE_MS * 2.6}`,
  slow: 'chunks=400;chunk_delay_ms=20',
  late: 'first_token_ms=4000',
  brisk: 'chunks=40;chunk_delay_ms=5',
} as const;

let simulator: RunningSimulator;
let raw: RawUpstream;
let gateway: RunningGateway;
/** What the raw upstream got last, as it came. */
let lastRequest = '';
let sentBytes = 0;

beforeAll(async () => {
  simulator = await startSimulator();
  raw = await startRawUpstream((socket, request) => {
    lastRequest = request;
    const dialect = request.startsWith('POST /v1/messages') ? 'anthropic' : 'chat';
    if (/"model" ?: ?"odd"/.test(request)) return sendPieces(socket, ODD[dialect].join(''));
    sendLongStream(socket, longStream(dialect, `long/${dialect}`, LONG_BYTES), (bytes) => (sentBytes = bytes));
  });
  gateway = await startGateway({ config: configFor(), env: { ...GATEWAY_ENV, KEEPALIVE_MS: String(KEEPALIVE_MS) } });
});

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([simulator?.close(), raw?.close()]);
});

function configFor(): Json {
  const models = UPSTREAM_DIALECTS.flatMap((dialect) => [
    ...Object.entries(SCENARIOS).flatMap(([name, scenario]) => {
      const upstreams = [{ provider: `sim-${dialect}`, model: `sim-any;${scenario}` }];
      return [
        model(`${name}/${dialect}`, upstreams),
        model(`${name}-drain/${dialect}`, upstreams, { onDisconnect: 'drain' }),
      ];
    }),
    // Named as the gateway names it, so that not even the model differs.
    model(`long/${dialect}`, [{ provider: `raw-${dialect}`, model: `long/${dialect}` }]),
    model(`odd/${dialect}`, [{ provider: `raw-${dialect}`, model: 'odd' }]),
  ]);
  const providers = UPSTREAM_DIALECTS.flatMap((dialect) => [
    provider(`sim-${dialect}`, dialect, simulator.url),
    // It counts what it sends, whoever asks.
    provider(`raw-${dialect}`, dialect, raw.origin, { probe: 'off' }),
  ]);
  return gatewayConfig(providers, models);
}

function streamOf(client: ClientDialect, modelId: string, signal?: AbortSignal): Promise<IncomingMessage> {
  const call = conversation(client, { model: modelId, key: KEY, stream: true });
  return open(gateway.url, { ...call, ...(signal && { signal }) });
}

function requestIdOf(response: IncomingMessage): string {
  return String(response.headers['x-callmissed-request-id']);
}

function servedAs(requestId: string) {
  return simulator.served().requests.find((request) => request.request_id === requestId);
}

describe.each(PAIRS)('keepalives, %s over %s', (client, upstream) => {
  test('come while the upstream is silent, and harm nothing', async () => {
    const reply = await readWhole(await streamOf(client, `silent/${upstream}`));
    expect(looksComplete(client, reply.text)).toBe(true);
    expect(streamedText(client, reply.text)).toBe('Hi from the Switchboard simulator. You wrote: Say hi');
    const first = reply.text.indexOf('Hi from');
    const second = reply.text.indexOf('Say hi');
    const between = reply.text.slice(first, second);
    const keepalives = client === 'anthropic' ? /^event: ping\ndata: \{"type":"ping"\}\n\n/gm : /^: \S*\n\n/gm;
    expect(between.match(keepalives)?.length).toBeGreaterThanOrEqual(2);
    if (client === 'chat') expect(reply.text).not.toMatch(/^event:/m);
    const requestId = String(reply.headers['x-callmissed-request-id']);
    expect(await usageOf(gateway, requestId)).toMatchObject({ accuracy: 'exact', finish: 'stop' });
  });
});

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

describe.each(PAIRS)('backpressure, %s over %s', (client, upstream) => {
  test('a client that stops reading stops the upstream, then gets every byte', async () => {
    sentBytes = 0;
    const rssBefore = residentBytes(gateway.pid);
    const response = await streamOf(client, `long/${upstream}`);
    expect(response.statusCode).toBe(200);
    // Nothing reads: the response stays paused.
    await delay(1500);
    const sentWhilePaused = sentBytes;
    await delay(1000);
    expect(sentBytes).toBe(sentWhilePaused);
    expect(sentWhilePaused).toBeLessThan(48 * MIB);
    expect(residentBytes(gateway.pid) - rssBefore).toBeLessThan(96 * MIB);

    const text = new StreamedTextDigest();
    const bytes = createHash('sha256');
    for await (const chunk of response) {
      text.push(chunk as Buffer);
      bytes.update(chunk as Buffer);
    }
    expect(response.complete).toBe(true);
    const sent = longStream(upstream, `long/${upstream}`, LONG_BYTES);
    expect(text.digest()).toBe(textDigest(sent.pieces));
    if (client === 'anthropic' && upstream === 'anthropic') {
      const expected = createHash('sha256').update(sent.opening);
      for (let index = 0; index < sent.pieces; index++) expected.update(sent.event(index));
      expect(bytes.digest('hex')).toBe(expected.update(sent.closing).digest('hex'));
    }
    expect(await usageOf(gateway, requestIdOf(response))).toMatchObject({
      accuracy: 'exact',
      inputTokens: 11,
      outputTokens: sent.pieces,
    });
  });
});

describe.each(PAIRS)('a client that leaves, %s over %s', (client, upstream) => {
  test('in the middle of a stream: the upstream call ends within a second, and what came is billed as a count', async () => {
    const response = await streamOf(client, `slow/${upstream}`);
    const requestId = requestIdOf(response);
    let received = 0;
    for await (const chunk of response) {
      received += (chunk as Buffer).length;
      if (received > 4000) break;
    }
    response.destroy();
    await eventually('the upstream call has ended', () => servedAs(requestId)?.outcome === 'aborted', 1000);
    const record = await usageOf(gateway, requestId);
    expect(record).toMatchObject({ accuracy: 'estimated', finish: 'disconnected', status: 499, stream: true });
    expect(record.inputTokens).toBeGreaterThan(0);
    // What the upstream had sent by then: a few chunks more may have been on their way.
    const sent = servedAs(requestId)?.output_tokens ?? 0;
    expect(record.outputTokens).toBeGreaterThan(0);
    expect(record.outputTokens).toBeLessThanOrEqual(sent + 4);
  });

  test.each([true, false])(
    'before the first byte: the call ends, and its input is billed (stream: %s)',
    async (stream) => {
      const leaving = new AbortController();
      const before = simulator.served().requests.length;
      const call = conversation(client, { model: `late/${upstream}`, key: KEY, stream });
      const gone = open(gateway.url, { ...call, signal: leaving.signal });
      gone.catch(() => undefined);
      await eventually('the upstream has the call', () => simulator.served().requests.length > before);
      leaving.abort();
      await expect(gone).rejects.toThrow(/abort/);
      const served = simulator.served().requests[before];
      const requestId = served?.request_id ?? '';
      await eventually('the upstream call has ended', () => servedAs(requestId)?.outcome === 'aborted', 1000);
      const record = await usageOf(gateway, requestId);
      expect(record).toMatchObject({ accuracy: 'estimated', finish: 'disconnected', status: 499, outputTokens: 0 });
      expect(record.inputTokens).toBeGreaterThan(0);
    },
  );

  test('with onDisconnect: drain the stream is read to its end for the exact figures', async () => {
    const response = await streamOf(client, `brisk-drain/${upstream}`);
    const requestId = requestIdOf(response);
    await once(response, 'data');
    response.destroy();
    await eventually('the upstream has sent it all', () => servedAs(requestId)?.outcome === 'completed');
    const served = servedAs(requestId);
    expect(await usageOf(gateway, requestId)).toMatchObject({
      accuracy: 'exact',
      finish: 'disconnected',
      inputTokens: served?.input_tokens,
      outputTokens: served?.output_tokens,
    });
  });

  test('with onDisconnect: drain a whole reply is waited for too', async () => {
    const leaving = new AbortController();
    const before = simulator.served().requests.length;
    const call = conversation(client, { model: `late-drain/${upstream}`, key: KEY });
    const gone = open(gateway.url, { ...call, signal: leaving.signal });
    gone.catch(() => undefined);
    await eventually('the upstream has the call', () => simulator.served().requests.length > before);
    leaving.abort();
    const requestId = simulator.served().requests[before]?.request_id ?? '';
    await eventually('the upstream has answered', () => servedAs(requestId)?.outcome === 'completed');
    const served = servedAs(requestId);
    expect(await usageOf(gateway, requestId)).toMatchObject({
      accuracy: 'exact',
      finish: 'disconnected',
      outputTokens: served?.output_tokens,
    });
  });
});

/** Streams with what no gateway can know of: unknown events and fields, comments, odd spacing. */
const ODD: Record<UpstreamDialect, string[]> = {
  anthropic: [
    ': a comment first\n\n',
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"odd","content":[],"usage":{"input_tokens":5,"output_tokens":0,"future":{"a":[1]}},"unknown":true}}\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"holo_block","shape":"cube"}}\n\n',
    'event: holo_event\nid: 7\ndata: {"type":"holo_event","π":"ünïcödé \\u00e9 🎈"}\n\n',
    'event: content_block_delta\ndata:   {"type" : "content_block_delta", "index":0, "delta":{"type":"holo_delta","bits":1e3}}\n\n',
    'event: content_block_stop\r\ndata: {"type":"content_block_stop","index":0}\r\n\r\n',
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"holo_stop","safeguard_results":[]},"usage":{"output_tokens":3}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ': bye\n\n',
  ],
  chat: [
    ': OPENROUTER PROCESSING\n\n',
    'data: {"id":"c","object":"chat.completion.chunk","model":"odd","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm ünïcödé 🎈"},"finish_reason":null}],"provider":"Holo"}\n\n',
    'data:  {"choices" : [ {"index":0,"delta":{"content":"a\\u00e9"},"logprobs":{"x":1e3}} ] , "model" : "odd"}\n\n',
    'data: {"id":"c","model":"odd","choices":[{"index":0,"delta":{"holo":{"deep":[[1]]}},"finish_reason":"stop"}]}\r\n\r\n',
    'data: [DONE]\n\n',
  ],
};

/** In writes of seven bytes, so that no event, line or character arrives whole. */
function sendPieces(socket: Socket, text: string): void {
  socket.setNoDelay(true);
  const bytes = Buffer.from(text);
  socket.write(STREAM_HEAD);
  let at = 0;
  const more = (): void => {
    for (let turn = 0; turn < 3 && at < bytes.length; turn++, at += 7) {
      const piece = bytes.subarray(at, at + 7);
      socket.write(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
    }
    if (at < bytes.length) setImmediate(more);
    else socket.write(LAST_CHUNK);
  };
  more();
}

describe.each(CLIENT_DIALECTS)('the same dialect on both sides, %s', (dialect) => {
  test('the stream is the upstream’s own, byte for byte, but for the model name', async () => {
    const through = await readWhole(await streamOf(dialect, `plain/${dialect}`));
    const upstreamModel = `sim-any;${SCENARIOS.plain}`;
    const options = dialect === 'chat' ? { extra: { stream_options: { include_usage: true } } } : {};
    const call = conversation(dialect, { model: upstreamModel, key: UPSTREAM_KEY, stream: true, ...options });
    const direct = await send(simulator.url, call);
    const renamed = direct.text.replaceAll(JSON.stringify(upstreamModel), JSON.stringify(`plain/${dialect}`));
    if (dialect === 'anthropic') {
      expect(through.text).toBe(renamed);
      return;
    }
    // The client did not ask for the usage chunk: it is all that is missing.
    const usageChunk = renamed.split('\n\n').find((block) => block.includes('"prompt_tokens"'));
    expect(through.text).toBe(renamed.replace(`${usageChunk}\n\n`, ''));
  });

  test('unknown events, fields and spacing come through untouched', async () => {
    const reply = await readWhole(await streamOf(dialect, `odd/${dialect}`));
    const expected = ODD[dialect].join('').replaceAll('"odd"', `"odd/${dialect}"`);
    expect(reply.text).toBe(expected);
    expect(reply.complete).toBe(true);
  });

  test('the request reaches the upstream byte for byte, but for the model name, with its betas', async () => {
    const spaced =
      dialect === 'anthropic'
        ? '{ "max_tokens":10,\n "holo":{"a":[1,2.50,"é\\u00e9 🎈"]}, "model" : "odd/anthropic","stream":true, "messages":[{"role":"user","content":[{"type":"holo","x":1}]}] }'
        : '{ "holo":{"a":[1,2.50,"é\\u00e9 🎈"]},\n "model" : "odd/chat","stream":true,"stream_options":{"include_usage":true}, "messages":[{"role":"user","content":[{"type":"holo","x":1}]}] }';
    const headers = {
      'anthropic-beta': 'holo-2026-01-01,other-2026-02-02',
      'anthropic-holo': 'yes',
      'x-private': 'secret',
    };
    const call = post(dialect, KEY, spaced, headers);
    const reply = await send(gateway.url, { ...call, path: `${call.path}?beta=true` });
    expect(reply.status).toBe(200);
    const [head = '', body = ''] = lastRequest.split('\r\n\r\n');
    expect(Buffer.from(body, 'latin1').toString('utf8')).toBe(spaced.replace(`"odd/${dialect}"`, '"odd"'));
    expect(head).not.toContain('x-private');
    expect(head).not.toContain(KEY);
    expect(head.split('\r\n')[0]).toContain('?beta=true');
    if (dialect === 'anthropic') {
      expect(head).toContain('anthropic-beta: holo-2026-01-01,other-2026-02-02');
      expect(head).toContain('anthropic-holo: yes');
      expect(head).toContain('anthropic-version: 2023-06-01');
    }
  });

  test('a whole reply is the upstream’s own, byte for byte, but for the model name', async () => {
    const through = await send(gateway.url, conversation(dialect, { model: `plain/${dialect}`, key: KEY }));
    const upstreamModel = `sim-any;${SCENARIOS.plain}`;
    const direct = await send(simulator.url, conversation(dialect, { model: upstreamModel, key: UPSTREAM_KEY }));
    const renamed = direct.text.replace(JSON.stringify(upstreamModel), JSON.stringify(`plain/${dialect}`));
    const withoutCost = through.text.replace(/,"cost_usd":[\d.e-]+/, '');
    expect(withoutCost).toBe(renamed);
    if (dialect === 'chat') expect(JSON.parse(through.text).usage.cost_usd).toBeGreaterThan(0);
  });
});

describe.each(PAIRS)('framing, %s over %s', (client, upstream) => {
  const call = () => conversation(client, { model: `silent/${upstream}`, key: KEY, stream: true });

  test('chunks are as HTTP/1.1 has them, keepalives too, and the connection serves the next call', async () => {
    const last = { ...call(), headers: { ...call().headers, connection: 'close' } };
    let rest = await rawExchange(gateway.url, '1.1', [call(), last]);
    for (let reply = 0; reply < 2; reply += 1) {
      const message = splitHead(rest);
      expect(message.head).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*transfer-encoding: chunked/i);
      const { body, rest: following } = unchunk(message.rest);
      expect(streamedText(client, body.toString())).toBe('Hi from the Switchboard simulator. You wrote: Say hi');
      expect(looksComplete(client, body.toString())).toBe(true);
      rest = following;
    }
    expect(rest).toHaveLength(0);
  });

  test('a client of HTTP/1.0 gets the bare stream, until the connection closes', async () => {
    const { head, rest } = splitHead(await rawExchange(gateway.url, '1.0', [call()]));
    expect(head).not.toMatch(/transfer-encoding/i);
    expect(rest.toString()).toMatch(/^(event|data|:)/);
    expect(looksComplete(client, rest.toString())).toBe(true);
  });
});

describe.each(UPSTREAM_DIALECTS)('usage on Chat streams, over %s', (upstream) => {
  test.each([true, false])('is shown to who asked for it (%s), and metered exactly either way', async (asked) => {
    const extra = asked ? { stream_options: { include_usage: true } } : {};
    const call = conversation('chat', { model: `plain/${upstream}`, key: KEY, stream: true, extra });
    const reply = await send(gateway.url, call);
    const requestId = String(reply.headers['x-callmissed-request-id']);
    const served = servedAs(requestId);
    const chunks = eventsIn(reply.text).filter(({ data }) => data !== '[DONE]');
    const usages = chunks.map(({ data }) => JSON.parse(data)).filter(({ usage }) => usage != null);
    expect(usages).toHaveLength(asked ? 1 : 0);
    if (asked) {
      expect(usages[0]).toMatchObject({ choices: [], usage: { completion_tokens: served?.output_tokens } });
      expect(usages[0].usage.cost_usd).toBeGreaterThan(0);
      expect(JSON.parse(chunks.at(-1)?.data ?? '')).toEqual(usages[0]);
    }
    expect(await usageOf(gateway, requestId)).toMatchObject({
      accuracy: 'exact',
      inputTokens: served?.input_tokens,
      outputTokens: served?.output_tokens,
    });
  });
});

/** 200 streams over every pair of dialects, a third of which are left at different moments. */
async function wave(): Promise<Set<string>> {
  const streams = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const [client, upstream] = PAIRS[index % PAIRS.length]!;
      const response = await streamOf(client, `brisk/${upstream}`);
      if (index % 3 === 0) {
        await delay(index % 100);
        response.destroy();
      } else {
        expect(looksComplete(client, (await readWhole(response)).text)).toBe(true);
      }
      return requestIdOf(response);
    }),
  );
  await eventually('no request is open', async () => (await gauge(gateway, 'switchboard_open_requests')) === 0);
  await eventually('no upstream call is busy', () =>
    simulator.served().requests.every(({ outcome }) => outcome !== 'active'),
  );
  return new Set(streams);
}

describe('200 streams at once, a third of which are left', () => {
  test('leave no socket behind', async () => {
    const before = openFiles(gateway.pid);
    await wave();
    // Idle upstream connections are kept for 15 s, whatever longer time an upstream offers (the simulator: 120 s).
    await eventually('the sockets of the wave are gone', () => openFiles(gateway.pid) <= before + 5, 40_000);
  });

  test('leave nothing open, and every one is recorded once', async () => {
    const ids = await wave();
    expect(ids.size).toBe(200);
    const recorded = async () => (await allUsage(gateway)).filter(({ requestId }) => ids.has(requestId)).length;
    await eventually('all are recorded', async () => (await recorded()) >= 200);
    expect(await recorded()).toBe(200);
  });
});

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
