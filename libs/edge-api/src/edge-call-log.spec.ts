import { request } from 'node:http';
import { createLogger } from '@switchboard/platform';
import { until } from './__fixtures__/keys-bucket';
import { bodyOf, ServedEdge, type ServedEdgeOptions } from './__fixtures__/served-edge';
import { anthropic, UpstreamStream } from './__fixtures__/streams';

const REQUESTS = { logging: { requests: true, prompts: false } };
const PROMPTS = { logging: { requests: true, prompts: true } };
const KEYS = { 'logged-key-1': REQUESTS, 'prompts-key-1': PROMPTS, 'plain-key-1': {} };

let served: ServedEdge;
let logged: string[];
afterEach(() => served.close());

async function serve(options: ServedEdgeOptions = {}): Promise<void> {
  logged = [];
  const log = createLogger({ level: 'trace', name: 'test' }, { write: (line) => void logged.push(line) });
  served = await ServedEdge.start({ keys: KEYS, log, ...options });
}

const callOnceTold = async () => {
  await until(() => served.calls.length > 0, 'the record');
  return served.calls[0];
};

/** What was done to its sockets before this it has met: it answers a later question. */
async function gatewayIsAsFar(): Promise<void> {
  for (let round = 0; round < 3; round++) await (await fetch(`${served.url}/api/hello`)).text();
}

describe('a call of a key that logs its requests', () => {
  it('is told once, as it is billed, with who called from where', async () => {
    await serve();
    const headers = { 'x-api-key': 'logged-key-1', 'user-agent': 'sdk/1.0', 'x-request-id': 'trace-1' };
    const before = Date.now();
    const reply = await served.post('anthropic', '', {}, { headers });
    expect(reply.status).toBe(200);
    await reply.text();
    const call = await callOnceTold();
    const { requestId, latencyMs, usage, costNanoUsd } = served.usage[0]!;
    expect(call).toEqual({
      ...{ requestId, clientRequestId: 'trace-1', atMs: call?.atMs, tenantId: 'acme', keyId: 'key_logged-key-1' },
      ...{ endpoint: 'messages', clientDialect: 'anthropic-messages', requestedModel: 'test/model', stream: false },
      ...{ model: 'test/model', upstream: 'one', status: 200, outcome: 'stop', usage, costNanoUsd, accuracy: 'exact' },
      ...{ latencyMs, attempts: 1, ip: '127.0.0.1', userAgent: 'sdk/1.0' },
    });
    expect(call?.atMs).toBeGreaterThanOrEqual(before);
    expect(requestId).toBe(reply.headers.get('request-id'));
  });

  it('is told with the address that address rules go by, and with what a client chose cut short', async () => {
    await serve({ settings: { trustedProxies: ['127.0.0.1/32'] } });
    const headers = { 'x-api-key': 'logged-key-1', 'user-agent': 'x'.repeat(2_000), 'x-forwarded-for': '203.0.113.7' };
    await served.post('openai', '', { model: `nothing-${'y'.repeat(2_000)}` }, { headers });
    const call = await callOnceTold();
    expect([call?.ip, call?.userAgent?.length, call?.requestedModel?.length]).toEqual(['203.0.113.7', 512, 512]);
  });

  it.each([
    ['a body that is no JSON', '{"model":', undefined, 400, 'malformed_body', undefined],
    ['a bad parameter', bodyOf('openai', { messages: [] }), undefined, 400, 'invalid_parameter', 'test/model'],
    ['an unknown model', bodyOf('openai', { model: 'no/such' }), undefined, 404, 'model_not_found', 'no/such'],
    ['a limit', bodyOf('openai'), 'requests', 429, 'rate_limited_requests', 'test/model'],
    ['a budget', bodyOf('openai'), 'budget', 402, 'budget_exceeded', 'test/model'],
  ] as const)('refused for %s is told once, with the error', async (_, body, reason, status, outcome, model) => {
    await serve({ keys: { 'logged-key-1': { ...REQUESTS, limits: { rpm: 1 } } } });
    if (reason === 'requests') served.limiter.denial = { scope: 'key:k', reason, retryAfterMs: 1, limit: 1 };
    if (reason === 'budget') served.limiter.denial = { scope: 'key:k', reason };
    const reply = await served.post('openai', 'logged-key-1', {}, { body });
    await reply.text();
    expect(reply.status).toBe(status);
    const call = await callOnceTold();
    expect(call).toMatchObject({ status, outcome, attempts: 0, endpoint: 'chat-completions' });
    expect([call?.requestedModel, call?.model, call?.usage]).toEqual([model, undefined, undefined]);
    await served.edge.replica.close();
    expect([served.calls.length, served.usage.length]).toEqual([1, 0]);
  });

  it.each([
    ['its address', { ips: ['10.0.0.0/8'] }, {}, 'ip_not_allowed'],
    ['its permissions', { permissions: ['embeddings' as const] }, {}, 'permission_denied'],
    ['its tenant', {}, { active: false }, 'tenant_inactive'],
  ])('refused for %s before its body was read is told, without a model', async (_, key, tenant, outcome) => {
    await serve({ keys: { 'logged-key-1': { ...REQUESTS, ...key } }, tenant });
    expect((await served.post('anthropic', 'logged-key-1')).status).toBe(403);
    expect(await callOnceTold()).toMatchObject({ status: 403, outcome, ip: '127.0.0.1' });
    expect(served.calls[0]).not.toHaveProperty('requestedModel');
  });

  it('that every upstream failed is told with the error the client got', async () => {
    await serve({ answer: (_, response) => void response.writeHead(500).end('{}') });
    expect((await served.post('openai', 'logged-key-1')).status).toBe(502);
    const call = { status: 502, outcome: 'upstream_error', upstream: 'one', attempts: 1, accuracy: 'exact' };
    expect(await callOnceTold()).toMatchObject(call);
    expect(served.usage).toHaveLength(1);
  });

  it('of tokens that are only counted is told', async () => {
    await serve();
    const headers = { 'x-api-key': 'logged-key-1' };
    const init = { method: 'POST', headers, body: bodyOf('anthropic') };
    const counted = await fetch(`${served.url}/v1/messages/count_tokens`, init);
    expect(counted.status).toBe(200);
    const call = { endpoint: 'count-tokens', status: 200, outcome: 'counted', requestedModel: 'test/model' };
    expect(await callOnceTold()).toMatchObject(call);
  });

  it('whose client leaves in the middle of a stream is told once, with what it came to', async () => {
    const stream = new UpstreamStream();
    await serve({ kind: 'anthropic-compatible', answer: stream.answer });
    const leaving = new AbortController();
    const reply = served.post('anthropic', 'logged-key-1', { stream: true }, { ...init(leaving.signal) });
    await stream.send(anthropic.start(10), anthropic.delta('Hi'));
    await reply;
    expect(served.calls).toEqual([]);
    leaving.abort();
    const call = { status: 499, outcome: 'disconnected', stream: true, accuracy: 'estimated', attempts: 1 };
    expect(await callOnceTold()).toMatchObject(call);
    await served.edge.replica.close();
    expect(served.calls).toHaveLength(1);
  });

  it('whose reply is read to its end though the client has left is told at that end', async () => {
    const stream = new UpstreamStream();
    await serve({ kind: 'anthropic-compatible', answer: stream.answer, model: { onDisconnect: 'drain' } });
    const leaving = new AbortController();
    await Promise.all([
      served.post('anthropic', 'logged-key-1', { stream: true }, { ...init(leaving.signal) }),
      stream.send(anthropic.start(10), anthropic.delta('Hi')),
    ]);
    leaving.abort();
    await gatewayIsAsFar();
    await stream.send(anthropic.end(7));
    stream.end();
    expect(await callOnceTold()).toMatchObject({
      outcome: 'disconnected',
      accuracy: 'exact',
      usage: { outputTokens: 7 },
    });
  });

  it('whose client leaves while it is being admitted is told, and reserves nothing', async () => {
    await serve({ keys: { 'logged-key-1': { ...REQUESTS, limits: { rpm: 1 } } } });
    let release = (): void => undefined;
    served.limiter.holdUp = new Promise((resolve) => (release = resolve));
    const leaving = new AbortController();
    const reply = served.post('openai', 'logged-key-1', {}, { ...init(leaving.signal) }).catch(() => undefined);
    await until(() => served.limiter.reserved.length > 0, 'the question');
    leaving.abort();
    await reply;
    const call = { status: 499, outcome: 'disconnected', attempts: 0, requestedModel: 'test/model' };
    expect(await callOnceTold()).toMatchObject(call);
    release();
    await until(() => served.limiter.settled.length === 1, 'the settlement');
    expect([served.calls.length, served.usage.length, served.upstream.requests.length]).toEqual([1, 0, 0]);
  });

  it('whose client leaves while it still sends is told, and was no call of an upstream', async () => {
    await serve();
    const { port } = new URL(served.url);
    const headers = { 'x-api-key': 'logged-key-1', 'content-length': '1000' };
    const sending = request({ port, method: 'POST', path: '/v1/messages', headers });
    sending.on('error', () => undefined);
    sending.write('{"model":');
    sending.flushHeaders();
    await new Promise((resolve) => sending.on('socket', (socket) => socket.once('connect', resolve)));
    await gatewayIsAsFar();
    sending.destroy();
    expect(await callOnceTold()).toMatchObject({ status: 499, outcome: 'disconnected', attempts: 0 });
  });
});

test('a key that logs nothing leaves nothing, served or refused, and neither does a question about models', async () => {
  await serve();
  await (await served.post('openai', 'plain-key-1')).text();
  await (await served.post('openai', 'plain-key-1', { model: 'no/such' })).text();
  await (await served.post('openai', 'unknown-key-1')).text();
  await (await fetch(`${served.url}/v1/models`, { headers: { authorization: 'Bearer logged-key-1' } })).text();
  await served.edge.replica.close();
  expect(served.usage).toHaveLength(1);
  expect(served.calls).toEqual([]);
});

describe('the prompt', () => {
  const SECRET = 'the moon is made of cheese';
  const body = bodyOf('openai', { messages: [{ role: 'user', content: SECRET }] });

  it('is told of keys that ask for it, of refused calls too, and never stands in the log', async () => {
    await serve();
    for (const key of ['logged-key-1', 'prompts-key-1']) await (await served.post('openai', key, {}, { body })).text();
    await (await served.post('openai', 'prompts-key-1', {}, { body: body.replace('test/model', 'no/such') })).text();
    await until(() => served.calls.length === 3, 'three records');
    expect(served.calls.map(({ prompt }) => prompt)).toEqual([undefined, body, body.replace('test/model', 'no/such')]);
    expect(served.calls.some((call) => 'promptTruncated' in call)).toBe(false);
    expect(logged.join('\n')).not.toContain(SECRET);
  });

  it('is cut at 64 KiB, between two characters, and says so', async () => {
    await serve();
    const long = bodyOf('openai', { messages: [{ role: 'user', content: '😀'.repeat(20_000) }] });
    await (await served.post('openai', 'prompts-key-1', {}, { body: long })).text();
    const { prompt = '', promptTruncated } = (await callOnceTold())!;
    expect(promptTruncated).toBe(true);
    expect(Buffer.byteLength(prompt)).toBeGreaterThan(64 * 1024 - 4);
    expect(Buffer.byteLength(prompt)).toBeLessThanOrEqual(64 * 1024);
    expect(long.startsWith(prompt)).toBe(true);
  });

  it('needs both switches', async () => {
    await serve({ keys: { 'half-key-1': { logging: { requests: false, prompts: true } } } });
    await (await served.post('openai', 'half-key-1')).text();
    await served.edge.replica.close();
    expect(served.calls).toEqual([]);
  });
});

test('the caller’s credentials are in no record and in no line of the log, wherever the client puts them', async () => {
  await serve();
  const key = 'prompts-key-1';
  const other = 'another-secret-bearer';
  const headers = {
    ...{ 'x-api-key': key, authorization: `Bearer ${other}`, cookie: `session=${key}` },
    ...{ 'user-agent': `curl ${key} ${other}`, 'x-request-id': `trace-${key}` },
  };
  const texts = [`my key is ${key}`, `x`.repeat(64 * 1024 - 110) + key.repeat(20) + other];
  for (const content of texts) {
    const body = bodyOf('openai', { model: `no/such-${key}`, messages: [{ role: 'user', content }], user: other });
    await (await served.post('openai', '', {}, { headers, body })).text();
    const init = { method: 'POST', headers, body: bodyOf('openai', { messages: [{ role: 'user', content }] }) };
    await (await fetch(`${served.url}/v1/chat/completions?key=${key}`, init)).text();
  }
  await until(() => served.calls.length === 4, 'four records');
  expect(served.calls.map(({ prompt }) => prompt?.includes('[credential]'))).toEqual([true, true, true, true]);
  expect(served.calls[0]?.userAgent).toBe('curl [credential] [credential]');
  const told = JSON.stringify(served.calls.map((call) => ({ ...call, keyId: '' })));
  for (const secret of [key, other]) {
    expect(told).not.toContain(secret);
    expect(logged.join('\n').replaceAll(`key_${key}`, '')).not.toContain(secret);
  }
});

function init(signal: AbortSignal): RequestInit {
  return { signal };
}
