import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startGateway, type RunningGateway } from '../gateway';
import { CLIENT_DIALECTS, conversation, errorIn, post, type Ask, type ClientDialect } from './conversation';
import {
  GATEWAY_ENV,
  gatewayConfig,
  KEY,
  keyHash,
  model,
  provider,
  UPSTREAM_DIALECTS,
  type Json,
  type UpstreamDialect,
} from './gateway-config';
import { send, type Call, type RawReply } from './http-exchange';
import { allUsage, gauge, usageOf } from './usage-ledger';

jest.setTimeout(60_000);

const MIB = 1024 * 1024;
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** Client dialect over upstream dialect. */
const PAIRS = CLIENT_DIALECTS.flatMap((client) =>
  UPSTREAM_DIALECTS.map((upstream): [ClientDialect, UpstreamDialect] => [client, upstream]),
);

let simulator: RunningSimulator;
let gateway: RunningGateway;

beforeAll(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({ config: configFor(simulator.url), env: GATEWAY_ENV });
});

afterAll(async () => {
  await gateway?.stop();
  await simulator?.close();
});

function configFor(origin: string): Json {
  const able = { tools: 'native', vision: true, documents: true, reasoning: true };
  const models = UPSTREAM_DIALECTS.flatMap((dialect) => {
    const upstreams = [{ provider: `sim-${dialect}`, model: 'sim-any' }];
    return [
      model(`able/${dialect}`, upstreams),
      model(`blind/${dialect}`, upstreams, { capabilities: { ...able, vision: false, documents: false } }),
      model(`toolless/${dialect}`, upstreams, { capabilities: { ...able, tools: 'none' } }),
      model(`small/${dialect}`, upstreams, { contextWindow: 1000, maxOutputTokens: 500 }),
    ];
  });
  const keys: Json[] = [
    { name: 'expired', key: { hash: keyHash('key-expired') }, expiresAt: '2020-01-01T00:00:00Z' },
    { name: 'narrow', key: { hash: keyHash('key-narrow') }, models: ['blind/*'] },
    { name: 'web', key: { hash: keyHash('key-web') }, origins: ['https://app.acme.dev'] },
    { name: 'inside', key: { hash: keyHash('key-inside') }, ips: ['10.0.0.0/8'] },
    { name: 'local', key: { hash: keyHash('key-local') }, ips: ['127.0.0.1/32'] },
    { name: 'embeds', key: { hash: keyHash('key-embeds') }, permissions: ['embeddings'] },
  ];
  const config = gatewayConfig(
    UPSTREAM_DIALECTS.map((dialect) => provider(`sim-${dialect}`, dialect, origin)),
    models,
    keys,
  );
  const tenants = config.tenants as Json[];
  return {
    ...config,
    tenants: [...tenants, { id: 'gone', active: false, keys: [{ name: 'k', key: { hash: keyHash('key-gone') } }] }],
  };
}

/** Sends the call, and shows that it cost nothing: no upstream was asked, and no usage was written. */
async function refused(call: Call): Promise<RawReply> {
  const servedBefore = simulator.served().requests.length;
  const reply = await send(gateway.url, call);
  expect(simulator.served().requests).toHaveLength(servedBefore);
  refusals.push(String(reply.headers['x-callmissed-request-id']));
  return reply;
}

const refusals: string[] = [];

function ask(client: ClientDialect, upstream: UpstreamDialect, more: Partial<Ask> = {}): Call {
  return conversation(client, { model: `able/${upstream}`, key: KEY, ...more });
}

function imageBlock(client: ClientDialect, base64: string): Json {
  return client === 'anthropic'
    ? { type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } }
    : { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } };
}

describe.each(PAIRS)('a body that is wrong, %s over %s', (client, upstream) => {
  const expectFault = (reply: RawReply, status: number, message: RegExp) => {
    expect(reply.status).toBe(status);
    expect(reply.headers['content-type']).toBe('application/json');
    const error = errorIn(client, reply.text);
    expect(error.message).toMatch(message);
    expect(error.type).toBe('invalid_request_error');
    return error;
  };

  test.each([
    ['half an object', '{"model": "able'],
    ['no JSON at all', 'hello'],
    ['nothing', ''],
    ['a trailing comma', '{"model":"able/chat",}'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a number', '17'],
  ])('that is %s is a 400', async (_what, body) => {
    expectFault(await refused(post(client, KEY, body)), 400, /JSON/);
  });

  test('that is broken after the routed fields is a 400', async () => {
    const whole = String(ask(client, upstream).body);
    expectFault(await refused(post(client, KEY, `${whole.slice(0, -1)},"temperature":}`)), 400, /JSON/);
  });

  test.each([
    ['model', { model: 17 }],
    ['messages', { messages: 'hi' }],
    ['max_tokens', { max_tokens: 'many' }],
    ['max_tokens', { max_tokens: -1 }],
    ['max_tokens', { max_tokens: 1.5 }],
    ['stream', { stream: 'yes' }],
  ])('with the wrong type of %s is a 400 that names it', async (param, extra) => {
    const error = expectFault(await refused(ask(client, upstream, { extra })), 400, new RegExp(param));
    if (client === 'chat') expect(error.param).toBe(param);
  });

  test('without a model, or with an empty one, is a 400', async () => {
    expectFault(await refused(ask(client, upstream, { extra: { model: undefined } })), 400, /model/);
    expectFault(await refused(ask(client, upstream, { extra: { model: '' } })), 400, /model/);
    expectFault(await refused(ask(client, upstream, { extra: { model: null } })), 400, /model/);
  });

  test('without messages, or with none in the list, is a 400', async () => {
    expectFault(await refused(ask(client, upstream, { extra: { messages: undefined } })), 400, /messages/);
    expectFault(await refused(ask(client, upstream, { extra: { messages: [] } })), 400, /messages/);
  });

  test('without max_tokens is a 400 for Anthropic clients and fine for Chat clients', async () => {
    const call = ask(client, upstream, { extra: { max_tokens: undefined } });
    if (client === 'anthropic') expectFault(await refused(call), 400, /^max_tokens: Field required$/);
    else expect((await send(gateway.url, call)).status).toBe(200);
  });

  test('with an unknown role is a 400, whoever finds it', async () => {
    const reply = await send(
      gateway.url,
      ask(client, upstream, { extra: { messages: [{ role: 'wizard', content: 'hi' }] } }),
    );
    expectFault(reply, 400, /role|wizard/i);
  });

  test('with content of the wrong type is a 400, whoever finds it', async () => {
    const reply = await send(
      gateway.url,
      ask(client, upstream, { extra: { messages: [{ role: 'user', content: 17 }] } }),
    );
    expectFault(reply, 400, /content/i);
  });

  test('in bad UTF-8 is a 400', async () => {
    const whole = Buffer.from(String(ask(client, upstream, { text: 'caf#' }).body));
    whole[whole.indexOf('#')] = 0xe9;
    expectFault(await refused(post(client, KEY, whole)), 400, /UTF-8/);
  });

  test.each([1000, 100_000])('with %i levels of nesting is a 400', async (levels) => {
    const nested = `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const body = String(ask(client, upstream).body).replace(/}$/, `,"metadata":${nested}}`);
    expectFault(await refused(post(client, KEY, body)), 400, /nested deeper than \d+ levels/);
    const unclosed = `{"model":"able/${upstream}","messages":${'[{"a":'.repeat(levels)}`;
    expectFault(await refused(post(client, KEY, unclosed)), 400, /nested deeper than \d+ levels/);
  });

  test('that asks for a server-side thread is a 400 with the code clients look for', async () => {
    const reply = await refused(ask(client, upstream, { extra: { thread: { type: 'create' } } }));
    const error = expectFault(reply, 400, /thread/);
    if (client === 'anthropic') expect(error.details?.error_code).toBe('thread_unsupported_request');
    else expect(error.code).toBe('thread_unsupported_request');
  });
});

describe.each(PAIRS)('what a model cannot do, %s over %s', (client, upstream) => {
  const schema = { type: 'object', properties: { city: { type: 'string' } } };
  const tool =
    client === 'anthropic'
      ? { name: 'weather', input_schema: schema }
      : { type: 'function', function: { name: 'weather', parameters: schema } };

  const expectRefusal = async (call: Call, message: RegExp) => {
    const reply = await refused(call);
    expect(reply.status).toBe(400);
    const error = errorIn(client, reply.text);
    expect(error.type).toBe('invalid_request_error');
    expect(error.message).toMatch(message);
    return error;
  };

  test('images go only to a model that sees', async () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, imageBlock(client, PNG)] }];
    await expectRefusal(ask(client, upstream, { model: `blind/${upstream}`, extra: { messages } }), /image/);
    expect((await send(gateway.url, ask(client, upstream, { extra: { messages } }))).status).toBe(200);
  });

  test('tools go only to a model that calls them', async () => {
    const extra = { tools: [tool] };
    await expectRefusal(ask(client, upstream, { model: `toolless/${upstream}`, extra }), /tools/);
    expect((await send(gateway.url, ask(client, upstream, { extra }))).status).toBe(200);
  });

  test('input beyond the context window is told in the words clients act on', async () => {
    const text = 'one two three four five six seven eight nine ten '.repeat(400);
    const call = ask(client, upstream, { model: `small/${upstream}`, text });
    const error = await expectRefusal(call, /^prompt is too long: \d+ tokens > 1000 maximum$/);
    const tokens = Number(/: (\d+) tokens/.exec(error.message)?.[1]);
    expect(tokens).toBeGreaterThanOrEqual(4000);
    expect(tokens).toBeLessThan(4100);
    if (client === 'chat') expect(error.code).toBe('context_length_exceeded');
  });
});

describe.each(CLIENT_DIALECTS)('a body that is too large, %s', (client) => {
  test('50 MB declared is a 413 that the client gets to read', async () => {
    const reply = await refused(post(client, KEY, Buffer.alloc(50 * MIB, 0x20)));
    expect(reply.status).toBe(413);
    expect(errorIn(client, reply.text).type).toBe(
      client === 'anthropic' ? 'request_too_large' : 'invalid_request_error',
    );
  });

  test('50 MB declared is refused before any of it is sent', async () => {
    const answer = await rawAnswer(client, [`content-length: ${50 * MIB}`], []);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('32');
  });

  test('50 MB in chunks is refused before all of it is sent, and the client gets to read it', async () => {
    const piece = Buffer.alloc(MIB, 0x20);
    const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
    // No last chunk: who waits for the end of the body waits in vain.
    const answer = await rawAnswer(
      client,
      ['transfer-encoding: chunked'],
      Array.from({ length: 50 }, () => chunk),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain(client === 'anthropic' ? '"request_too_large"' : '"code":"request_too_large"');
  });

  test('31 MB is taken', async () => {
    const messages = [{ role: 'user', content: [imageBlock(client, 'A'.repeat(31 * MIB))] }];
    const reply = await send(gateway.url, ask(client, client, { extra: { messages } }));
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('I see 1 image');
  });

  test('a gzip bomb is a 413', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MIB, 0x20));
    expect(bomb.length).toBeLessThan(MIB);
    const reply = await refused(post(client, KEY, bomb, { 'content-encoding': 'gzip' }));
    expect(reply.status).toBe(413);
    errorIn(client, reply.text);
  });
});

/** Writes a request by hand and reads what comes back, however the server treats the rest of the body. */
async function rawAnswer(client: ClientDialect, framing: string[], body: Buffer[]): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  const { path, headers = {} } = post(client, KEY, '');
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: ${hostname}`,
    ...Object.entries(headers).map((pair) => pair.join(': ')),
  ];
  socket.write([...lines, ...framing, '', ''].join('\r\n'));
  const answered = new Promise<string>((resolve, reject) => {
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString();
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? Infinity);
      if (answer.length - answer.indexOf('\r\n\r\n') - 4 >= length) resolve(answer);
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after: ${answer}`)));
  });
  answered.catch(() => undefined);
  const closed = once(socket, 'close');
  for (const chunk of body) {
    if (socket.destroyed) break;
    if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), closed]);
  }
  // The answer is read last, as a client does that only reads when it has written all.
  const answer = await answered;
  socket.destroy();
  return answer;
}

describe.each(PAIRS)('compressed bodies, %s over %s', (client, upstream) => {
  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('%s is understood', async (encoding, compress) => {
    const body = compress(Buffer.from(String(ask(client, upstream).body)));
    const reply = await send(gateway.url, post(client, KEY, body, { 'content-encoding': encoding }));
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('You wrote: Say hi');
  });

  test('broken gzip is a 400', async () => {
    const body = gzipSync(Buffer.from(String(ask(client, upstream).body)));
    for (const broken of [Buffer.from('not gzip at all'), body.subarray(0, 40)]) {
      const reply = await refused(post(client, KEY, broken, { 'content-encoding': 'gzip' }));
      expect(reply.status).toBe(400);
      expect(errorIn(client, reply.text).message).toMatch(/compressed/);
    }
  });

  test('an unknown encoding is a 415 that names those understood', async () => {
    const reply = await refused(post(client, KEY, 'x', { 'content-encoding': 'zstd' }));
    expect(reply.status).toBe(415);
    expect(errorIn(client, reply.text).message).toMatch(/gzip/);
  });
});

describe.each(CLIENT_DIALECTS)('who may call, %s', (client) => {
  const call = (key: string, headers: Record<string, string> = {}) =>
    conversation(client, { model: 'able/anthropic', key, headers });
  const expectDenied = (reply: RawReply, status: number, code: string) => {
    expect(reply.status).toBe(status);
    const error = errorIn(client, reply.text);
    if (client === 'chat') expect(error.code).toBe(code);
    else expect(error.type).toBe(status === 401 ? 'authentication_error' : 'permission_error');
    expect(reply.headers['x-should-retry']).toBe(status === 401 ? 'false' : undefined);
    return error.message;
  };

  test('no key is a 401 that says how to send one', async () => {
    const { path, body } = call('');
    const reply = await refused({ method: 'POST', path, body: body ?? '', headers: {} });
    expect(expectDenied(reply, 401, 'invalid_api_key')).toMatch(/x-api-key/);
  });

  test('a wrong key is a 401 that does not repeat it', async () => {
    const reply = await refused(call('cm_live_wrong'));
    expectDenied(reply, 401, 'invalid_api_key');
    expect(reply.text).not.toContain('cm_live_wrong');
  });

  test('an expired key is a 401 that says when', async () => {
    expect(expectDenied(await refused(call('key-expired')), 401, 'invalid_api_key')).toMatch(/2020-01-01/);
  });

  test('a key of an inactive tenant is a 403', async () => {
    expectDenied(await refused(call('key-gone')), 403, 'permission_denied');
  });

  test('a key that may not use the model is a 403', async () => {
    expect(expectDenied(await refused(call('key-narrow')), 403, 'model_not_allowed')).toMatch('able/anthropic');
  });

  test('a key that may not converse is a 403', async () => {
    expect(expectDenied(await refused(call('key-embeds')), 403, 'permission_denied')).toMatch(/llm/);
  });

  test('a key for a web origin works from there only', async () => {
    expectDenied(await refused(call('key-web')), 403, 'domain_not_allowed');
    expectDenied(await refused(call('key-web', { origin: 'https://evil.dev' })), 403, 'domain_not_allowed');
    const allowed = await send(gateway.url, call('key-web', { origin: 'https://app.acme.dev' }));
    expect(allowed.status).toBe(200);
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.acme.dev');
  });

  test('a key for an address range works from there only, whatever a client says it is', async () => {
    const reply = await refused(call('key-inside', { 'x-forwarded-for': '10.1.2.3' }));
    expect(expectDenied(reply, 403, 'permission_denied')).toMatch('127.0.0.1');
    expect((await send(gateway.url, call('key-local'))).status).toBe(200);
  });

  test('either header carries a key, in either dialect, and one good key of two is enough', async () => {
    const { path, body = '' } = call('');
    const either: Record<string, string>[] = [
      { 'x-api-key': KEY },
      { authorization: `Bearer ${KEY}` },
      { authorization: `bearer ${KEY}` },
      { 'x-api-key': 'stale', authorization: `Bearer ${KEY}` },
    ];
    for (const headers of either) {
      expect((await send(gateway.url, { path, body, headers })).status).toBe(200);
    }
  });
});

describe.each(CLIENT_DIALECTS)('names of models, %s', (client) => {
  test('an unknown one is a 404 with the three closest ids', async () => {
    const reply = await refused(conversation(client, { model: 'able/antropic', key: KEY }));
    expect(reply.status).toBe(404);
    const error = errorIn(client, reply.text);
    expect(error.message).toMatch(/"able\/antropic".*closest are: able\/anthropic, \S+, \S+\.$/);
    if (client === 'chat') expect(error).toMatchObject({ code: 'model_not_found', param: 'model' });
    else expect(error.type).toBe('not_found_error');
  });

  test('a very long one is a 404 at once', async () => {
    const started = Date.now();
    const reply = await refused(conversation(client, { model: 'x'.repeat(5 * MIB), key: KEY }));
    expect(reply.status).toBe(404);
    expect(reply.body.length).toBeLessThan(10_000);
    expect(Date.now() - started).toBeLessThan(2000);
  });
});

describe.each(CLIENT_DIALECTS)('translation that loses, %s client', (client) => {
  const upstream: UpstreamDialect = client === 'anthropic' ? 'chat' : 'anthropic';
  // A cache mark for one, a penalty for the other: neither exists on the other side.
  const lossy =
    client === 'anthropic'
      ? { messages: [{ role: 'user', content: [{ type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } }] }] }
      : { frequency_penalty: 0.5 };
  const feature = client === 'anthropic' ? 'cache_control' : 'frequency_penalty';

  test.each([false, true])('is told in a header and in the usage record (stream: %s)', async (stream) => {
    const reply = await send(gateway.url, ask(client, upstream, { extra: lossy, stream }));
    expect(reply.status).toBe(200);
    expect(reply.headers['x-callmissed-translation-loss']).toMatch(new RegExp(`^${feature};n=1`));
    const record = await usageOf(gateway, String(reply.headers['x-callmissed-request-id']));
    expect(record.losses.map((loss) => loss.feature)).toEqual([feature]);
  });

  test('is a 400 naming the loss where the client asks for strictness', async () => {
    const reply = await refused(
      ask(client, upstream, { extra: lossy, headers: { 'x-callmissed-translation': 'strict' } }),
    );
    expect(reply.status).toBe(400);
    expect(errorIn(client, reply.text).message).toContain(feature);
  });

  test('is no matter where nothing is translated', async () => {
    const call = ask(client, client, { extra: lossy, headers: { 'x-callmissed-translation': 'strict' } });
    const reply = await send(gateway.url, call);
    expect(reply.status).toBe(200);
    expect(reply.headers['x-callmissed-translation-loss']).toBeUndefined();
  });

  test('strictness lets pass what loses nothing', async () => {
    const call = ask(client, upstream, { headers: { 'x-callmissed-translation': 'strict' } });
    expect((await send(gateway.url, call)).status).toBe(200);
  });
});

describe('paths and methods', () => {
  const key = { 'x-api-key': KEY };
  const bearer = { authorization: `Bearer ${KEY}` };

  test.each([
    ['GET', '/v1/messages', 'POST'],
    ['DELETE', '/anthropic/v1/messages', 'POST'],
    ['PUT', '/v1/chat/completions', 'POST'],
    ['GET', '/v1/messages/count_tokens', 'POST'],
    ['POST', '/v1/models', 'GET, HEAD'],
    ['POST', '/api/v1/models', 'GET, HEAD'],
  ])('%s %s is a 405 that lists what is allowed', async (method, path, allow) => {
    const reply = await refused({ method, path, headers: key });
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toBe(allow);
    expect(JSON.parse(reply.text).error.type).toBe('invalid_request_error');
  });

  test.each([
    ['/messages', '/v1/messages', 'anthropic'],
    ['/v1/message', '/v1/messages', 'anthropic'],
    ['/v1/messages/count_token', '/v1/messages/count_tokens', 'anthropic'],
    ['/v1/chat/completion', '/v1/chat/completions', 'chat'],
    ['/chat/completions', '/v1/chat/completions', 'chat'],
    ['/openai/v1/chat/completions', '/v1/chat/completions', 'chat'],
    ['/v1/model', '/v1/models', 'chat'],
  ] as const)('%s is a 404 that names %s', async (path, meant, dialect) => {
    const reply = await refused({ method: 'POST', path, headers: bearer, body: '{}' });
    expect(reply.status).toBe(404);
    expect(errorIn(dialect, reply.text).message).toContain(`${meant}?`);
  });

  test('a path that is nothing is a 404 that makes nothing up', async () => {
    const reply = await refused({ path: '/wp-admin/setup.php', headers: bearer });
    expect(reply.status).toBe(404);
    expect(errorIn('chat', reply.text).message).not.toMatch(/Did you mean/);
  });

  test.each(['/', '/anthropic/', '/api/anthropic/', '/api/openai/', '/api/openai/v1/', '/v1/', '/api/anthropic/v1/'])(
    'HEAD and GET %sapi/hello answer 200 without a key',
    async (prefix) => {
      const got = await send(gateway.url, { path: `${prefix}api/hello` });
      expect(got.status).toBe(200);
      expect(got.body.length).toBeGreaterThan(0);
      const head = await send(gateway.url, { method: 'HEAD', path: `${prefix}api/hello` });
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
    },
  );

  test.each([
    ['anthropic', '/v1/messages'],
    ['anthropic', '/anthropic/v1/messages'],
    ['anthropic', '/api/anthropic/v1/messages'],
    ['anthropic', '/v1/v1/messages?beta=true'],
    ['anthropic', '/api/anthropic/v1/v1/messages?beta=true'],
    ['anthropic', '//v1/messages/'],
    ['chat', '/v1/chat/completions'],
    ['chat', '/api/openai/chat/completions'],
    ['chat', '/api/openai/v1/chat/completions'],
    ['chat', '/v1/v1/chat/completions'],
    ['chat', '/api/openai/v1/v1/chat/completions?api-version=1'],
  ] as const)('a %s conversation is served at %s', async (client, path) => {
    const reply = await send(gateway.url, { ...ask(client, 'anthropic'), path });
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('You wrote: Say hi');
  });

  test.each(['able/chat', 'able%2Fchat'])('the model id %s is found in a path', async (id) => {
    for (const path of [
      `/v1/models/${id}`,
      `/api/openai/v1/models/${id}`,
      `/v1/v1/models/${id}`,
      `/api/v1/models/${id}`,
    ]) {
      const reply = await send(gateway.url, { path, headers: bearer });
      expect(reply.status).toBe(200);
      expect(JSON.parse(reply.text).id).toBe('able/chat');
    }
  });

  test('a WebSocket upgrade gets 426, whatever the path', async () => {
    for (const path of ['/v1/responses', '/v1/chat/completions']) {
      const reply = await send(gateway.url, {
        path,
        headers: { ...bearer, connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
      });
      expect(reply.status).toBe(426);
      expect(errorIn('chat', reply.text).code).toBe('upgrade_required');
    }
  });

  test('an offer of h2c, as Java’s client makes on every plain connection, is only an offer', async () => {
    const reply = await send(gateway.url, {
      path: '/v1/models/able%2Fchat',
      headers: { ...bearer, connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' },
    });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text).id).toBe('able/chat');
  });

  test('bytes that are no HTTP get a 400, not silence', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname, () => socket.write('EHLO example.org\r\n\r\n'));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('MAX_BODY_BYTES', () => {
  test('sets the largest body, before and after decompression', async () => {
    const small = await startGateway({
      config: configFor(simulator.url),
      env: { ...GATEWAY_ENV, MAX_BODY_BYTES: '2000' },
    });
    try {
      const of = (length: number) =>
        conversation('anthropic', { model: 'able/chat', key: KEY, text: 'x'.repeat(length) });
      expect((await send(small.url, of(1500))).status).toBe(200);
      const declared = await send(small.url, of(3000));
      expect(declared.status).toBe(413);
      expect(errorIn('anthropic', declared.text).message).toContain('2000');
      const packed = gzipSync(Buffer.from(String(of(3000).body)));
      const reply = await send(small.url, post('anthropic', KEY, packed, { 'content-encoding': 'gzip' }));
      expect(reply.status).toBe(413);
    } finally {
      await small.stop();
    }
  });
});

describe('after all of that', () => {
  test('no refusal was charged, nothing is left open, and the gateway still serves', async () => {
    const reply = await send(gateway.url, ask('anthropic', 'chat'));
    expect(reply.status).toBe(200);
    // Records are stored in order: once the last is there, so is whatever else was written.
    await usageOf(gateway, String(reply.headers['x-callmissed-request-id']));
    const recorded = new Set((await allUsage(gateway)).map(({ requestId }) => requestId));
    expect(refusals.length).toBeGreaterThan(100);
    expect(refusals.filter((requestId) => recorded.has(requestId))).toEqual([]);
    expect(await gauge(gateway, 'switchboard_open_requests')).toBe(0);
  });
});
