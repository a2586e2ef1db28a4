import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startGateway, type RunningGateway } from '../gateway';
import { CLIENT_DIALECTS, conversation, errorIn, post, type ClientDialect } from './conversation';
import { GATEWAY_ENV, gatewayConfig, KEY, keyHash, model, provider, type Json } from './gateway-config';
import { send, type RawReply } from './http-exchange';
import { allUsage, usageOf } from './usage-ledger';

jest.setTimeout(60_000);

/** In listing order. */
const IDS = ['anthropic/claude-sonnet-4.6', 'acme/chat', 'acme/reasoner', 'bare', 'acme/busy', 'acme/limited'];

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
  const providers = [
    provider('claude', 'anthropic', origin, { kind: 'anthropic' }),
    provider('compatible', 'anthropic', origin),
    provider('chat', 'chat', origin, { tier: 3 }),
  ];
  const at = (id: string, name = 'sim-any') => [{ provider: id, model: name }];
  const models = [
    model(IDS[0]!, at('claude'), {
      displayName: 'Claude Sonnet 4.6',
      description: 'Fast and intelligent.',
      createdAt: '2026-02-17T00:00:00Z',
      aliases: ['claude-sonnet-4.6', 'sonnet'],
    }),
    model(IDS[1]!, at('chat'), { capabilities: { tools: 'none', vision: false, reasoning: false } }),
    model(IDS[2]!, [...at('compatible'), ...at('chat')]),
    model(IDS[3]!, at('chat')),
    model(IDS[4]!, at('compatible', 'sim-any;status=529')),
    model(IDS[5]!, at('compatible', 'sim-any;status=429')),
  ];
  const keys = [{ name: 'acme-only', key: { hash: keyHash('key-acme') }, models: ['acme/*'] }];
  return gatewayConfig(providers, models, keys);
}

const ANTHROPIC_HEADERS = { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' };
const OPENAI_HEADERS = { authorization: `Bearer ${KEY}` };

async function json(path: string, headers: Record<string, string>) {
  const reply = await send(gateway.url, { path, headers });
  expect([path, reply.status]).toEqual([path, 200]);
  expect(reply.headers['content-type']).toBe('application/json');
  return JSON.parse(reply.text);
}

const SONNET_FIELDS = {
  id: 'anthropic/claude-sonnet-4.6',
  display_name: 'Claude Sonnet 4.6',
  created_at: '2026-02-17T00:00:00Z',
  description: 'Fast and intelligent.',
  category: 'llm',
  context_window: 200_000,
  pricing: { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75, unit: 'per_million_tokens', currency: 'USD' },
  supports_streaming: true,
  supports_tools: 'native',
  supports_reasoning: true,
  supports_vision: true,
  supports_structured_outputs: true,
  capabilities: ['streaming', 'tools', 'vision', 'documents', 'reasoning', 'structured_outputs'],
};

describe('models, Anthropic shape', () => {
  test.each(['/v1/models', '/anthropic/v1/models', '/api/anthropic/v1/models'])('%s has every field', async (path) => {
    const listing = await json(path, ANTHROPIC_HEADERS);
    expect(listing.data.map(({ id }: { id: string }) => id)).toEqual(IDS);
    expect(listing).toMatchObject({ has_more: false, first_id: IDS[0], last_id: IDS.at(-1) });
    const sonnet = {
      type: 'model',
      ...SONNET_FIELDS,
      context_length: 200_000,
      max_input_tokens: 200_000,
      max_tokens: 64_000,
    };
    expect(listing.data[0]).toEqual(sonnet);
    expect(await json(`${path}/anthropic/claude-sonnet-4.6`, ANTHROPIC_HEADERS)).toEqual(sonnet);
    expect(await json(`${path}/claude-sonnet-4.6`, ANTHROPIC_HEADERS)).toEqual(sonnet);
    expect(listing.data[1]).toMatchObject({
      supports_tools: false,
      supports_vision: false,
      capabilities: ['streaming'],
    });
  });

  test('under its prefix it needs no header that says so', async () => {
    expect((await json('/anthropic/v1/models', OPENAI_HEADERS)).data[0].type).toBe('model');
  });

  test('pages go forward and back without a gap', async () => {
    const page = (query: string) => json(`/anthropic/v1/models?${query}`, ANTHROPIC_HEADERS);
    const ids = (listing: { data: { id: string }[] }) => listing.data.map(({ id }) => id);

    const first = await page('limit=2');
    expect(ids(first)).toEqual(IDS.slice(0, 2));
    expect(first).toMatchObject({ has_more: true, first_id: IDS[0], last_id: IDS[1] });
    const second = await page(`limit=2&after_id=${encodeURIComponent(first.last_id)}`);
    expect(ids(second)).toEqual(IDS.slice(2, 4));
    expect(second.has_more).toBe(true);
    const third = await page(`limit=2&after_id=${encodeURIComponent(second.last_id)}`);
    expect(ids(third)).toEqual(IDS.slice(4));
    expect(third.has_more).toBe(false);
    const past = await page(`after_id=${encodeURIComponent(third.last_id)}`);
    expect(past).toEqual({ data: [], has_more: false, first_id: null, last_id: null });

    const back = await page(`limit=3&before_id=${encodeURIComponent(third.first_id)}`);
    expect(ids(back)).toEqual(IDS.slice(1, 4));
    expect(back.has_more).toBe(true);
    expect(ids(await page(`limit=3&before_id=${encodeURIComponent(back.first_id)}`))).toEqual(IDS.slice(0, 1));
    expect(ids(await page('limit=1000'))).toEqual(IDS);
  });

  test.each(['limit=0', 'limit=1001', 'limit=many', 'limit=1.5', 'limit=', 'after_id=a&before_id=b'])(
    '%s is a 400',
    async (query) => {
      const reply = await send(gateway.url, { path: `/anthropic/v1/models?${query}`, headers: ANTHROPIC_HEADERS });
      expect(reply.status).toBe(400);
      expect(errorIn('anthropic', reply.text).type).toBe('invalid_request_error');
    },
  );
});

describe('models, OpenAI shape', () => {
  test.each(['/v1/models', '/api/openai/models', '/api/openai/v1/models'])('%s has every field', async (path) => {
    const listing = await json(path, OPENAI_HEADERS);
    expect(listing.object).toBe('list');
    expect(listing.data.map(({ id }: { id: string }) => id)).toEqual(IDS);
    const sonnet = { id: IDS[0], object: 'model', created: 1_771_286_400, owned_by: 'anthropic' };
    expect(listing.data[0]).toEqual(sonnet);
    expect(await json(`${path}/anthropic%2Fclaude-sonnet-4.6`, OPENAI_HEADERS)).toEqual(sonnet);
  });

  test('an unknown model is a 404 with the closest ids', async () => {
    const reply = await send(gateway.url, { path: '/v1/models/acme/chut', headers: OPENAI_HEADERS });
    expect(reply.status).toBe(404);
    expect(errorIn('chat', reply.text)).toMatchObject({ code: 'model_not_found', type: 'invalid_request_error' });
    expect(errorIn('chat', reply.text).message).toContain('acme/chat');
  });
});

describe('the catalog', () => {
  test('tells price, capabilities, limits, aliases and what serves', async () => {
    const listing = await json('/api/v1/models', OPENAI_HEADERS);
    expect(listing.data.map(({ id }: { id: string }) => id)).toEqual(IDS);
    const sonnet = {
      ...SONNET_FIELDS,
      aliases: ['claude-sonnet-4.6', 'sonnet'],
      max_output_tokens: 64_000,
      supports_documents: true,
      health: 'healthy',
      upstreams: [{ provider: 'claude', state: 'healthy' }],
    };
    expect(listing.data[0]).toEqual(sonnet);
    expect(await json('/api/v1/models/sonnet', OPENAI_HEADERS)).toEqual(sonnet);
    expect(listing.data[2].upstreams).toMatchObject([{ provider: 'compatible' }, { provider: 'chat' }]);
    expect(JSON.stringify(listing)).not.toContain('127.0.0.1');
  });
});

describe('every listing', () => {
  test.each(['/v1/models', '/anthropic/v1/models', '/api/v1/models'])('%s needs a key', async (path) => {
    const reply = await send(gateway.url, { path });
    expect(reply.status).toBe(401);
  });

  test('shows a key only what it may use', async () => {
    for (const path of ['/v1/models', '/anthropic/v1/models', '/api/v1/models']) {
      const listing = await json(path, { authorization: 'Bearer key-acme' });
      expect(listing.data.map(({ id }: { id: string }) => id)).toEqual(IDS.filter((id) => id.startsWith('acme/')));
      const hidden = await send(gateway.url, { path: `${path}/bare`, headers: { authorization: 'Bearer key-acme' } });
      expect(hidden.status).toBe(404);
    }
  });
});

describe('count_tokens', () => {
  const example = {
    model: 'acme/reasoner',
    messages: [{ role: 'user', content: 'Hello, how are you?' }],
    system: 'You are a helpful assistant.',
  };
  const count = (body: object, prefix = '') =>
    send(gateway.url, { ...post('anthropic', KEY, JSON.stringify(body)), path: `${prefix}/v1/messages/count_tokens` });
  const tokensOf = (reply: RawReply): number => {
    expect(reply.status).toBe(200);
    const body = JSON.parse(reply.text);
    expect(Object.keys(body)).toEqual(['input_tokens']);
    return body.input_tokens;
  };

  test.each(['', '/anthropic', '/api/anthropic'])(
    'under "%s" the example is about 15, and says it is a count',
    async (prefix) => {
      const reply = await count(example, prefix);
      expect(tokensOf(reply)).toBeGreaterThanOrEqual(13);
      expect(tokensOf(reply)).toBeLessThanOrEqual(17);
      expect(reply.headers['x-callmissed-token-count']).toBe('estimate');
    },
  );

  test('where the provider is Anthropic itself, its own count is passed on', async () => {
    const before = simulator.served().requests.length;
    const reply = await count({ ...example, model: 'claude-sonnet-4.6' });
    expect(reply.headers['x-callmissed-token-count']).toBe('native');
    expect(tokensOf(reply)).toBe(Math.ceil((example.system + 'userHello, how are you?').length / 4));
    const asked = simulator.served().requests.slice(before);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ path: '/v1/messages/count_tokens', model: 'sim-any' });
  });

  test('an image counts 258, a tool its JSON, and neither costs anything', async () => {
    const plain = tokensOf(await count(example));
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };
    const content = [{ type: 'text', text: 'Hello, how are you?' }, image, image];
    expect(tokensOf(await count({ ...example, messages: [{ role: 'user', content }] }))).toBe(plain + 2 * 258);
    const tool = { name: 'weather', description: 'Tells the weather of a city', input_schema: { type: 'object' } };
    const withTool = tokensOf(await count({ ...example, tools: [tool] }));
    expect(withTool).toBeGreaterThan(plain + 10);
    expect(withTool).toBeLessThan(plain + 40);
    expect(tokensOf(await count({ ...example, tools: [] }))).toBe(plain);
    expect((await allUsage(gateway)).filter(({ model: id }) => id === example.model)).toEqual([]);
  });

  test('a long prompt is counted without holding up anybody', async () => {
    const long = count({ ...example, messages: [{ role: 'user', content: 'many words in a row '.repeat(100_000) }] });
    const started = Date.now();
    await Promise.all(Array.from({ length: 10 }, () => send(gateway.url, { path: '/api/hello' })));
    expect(Date.now() - started).toBeLessThan(500);
    expect(tokensOf(await long)).toBeGreaterThan(400_000);
  });

  test('faults are told as those of a message', async () => {
    const faulty: [object, number, RegExp][] = [
      [{ ...example, model: 'nobody' }, 404, /nobody/],
      [{ ...example, messages: [] }, 400, /messages/],
      [{ ...example, messages: [{ role: 'user', content: 5 }] }, 400, /content/],
      [{ ...example, model: undefined }, 400, /model/],
    ];
    for (const [body, status, message] of faulty) {
      const reply = await count(body);
      expect(reply.status).toBe(status);
      expect(errorIn('anthropic', reply.text).message).toMatch(message);
    }
  });
});

describe.each(CLIENT_DIALECTS)('headers of a reply, %s', (client) => {
  const own = client === 'anthropic' ? 'request-id' : 'x-request-id';
  const other = client === 'anthropic' ? 'x-request-id' : 'request-id';

  const expectIdentity = (reply: RawReply) => {
    const requestId = String(reply.headers['x-callmissed-request-id']);
    expect(requestId).toMatch(/^req_[0-9a-f]{32}$/);
    expect(reply.headers[own]).toBe(requestId);
    expect(reply.headers[other]).toBeUndefined();
    return requestId;
  };

  test.each([false, true])('an answer has them all (stream: %s)', async (stream) => {
    const headers = { 'x-request-id': 'client-id-17' };
    const call = conversation(client, { model: 'acme/reasoner', key: KEY, stream, headers });
    const reply = await send(gateway.url, call);
    const requestId = expectIdentity(reply);
    expect(reply.headers).toMatchObject({
      'x-callmissed-client-request-id': 'client-id-17',
      'x-callmissed-upstream': 'compatible',
      'x-callmissed-attempts': '1',
    });
    expect(reply.headers['content-type']).toMatch(stream ? /^text\/event-stream/ : /^application\/json$/);
    if (stream) expect(reply.headers['cache-control']).toBe('no-cache');
    expect(await usageOf(gateway, requestId)).toMatchObject({ clientRequestId: 'client-id-17' });
  });

  test('ids sort by time', async () => {
    const ids: string[] = [];
    for (let turn = 0; turn < 3; turn++) {
      ids.push(expectIdentity(await send(gateway.url, conversation(client, { model: 'bare', key: KEY }))));
    }
    expect([...ids].sort()).toEqual(ids);
  });

  test('a client id that is no header value is left out, whatever it holds', async () => {
    const headers = { 'x-request-id': 'x'.repeat(129) };
    const reply = await send(gateway.url, conversation(client, { model: 'bare', key: KEY, headers }));
    expect(reply.status).toBe(200);
    expect(reply.headers['x-callmissed-client-request-id']).toBeUndefined();
  });

  test('a refusal has the identity, in the header and (Anthropic) in the body', async () => {
    const reply = await send(gateway.url, conversation(client, { model: 'nobody', key: KEY }));
    const requestId = expectIdentity(reply);
    if (client === 'anthropic') expect(JSON.parse(reply.text).request_id).toBe(requestId);
  });

  test('an upstream’s failure has the attempts', async () => {
    const reply = await send(gateway.url, conversation(client, { model: 'acme/busy', key: KEY }));
    expectIdentity(reply);
    expect(reply.headers['x-callmissed-attempts']).toBe('1');
  });

  test('a 429 always says when to come back', async () => {
    const reply = await send(gateway.url, conversation(client, { model: 'acme/limited', key: KEY }));
    expect(reply.status).toBe(429);
    expect(reply.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  });

  test('a browser may read them', async () => {
    const headers = { origin: 'https://app.acme.dev' };
    const reply = await send(gateway.url, conversation(client, { model: 'bare', key: KEY, headers }));
    expect(reply.headers['access-control-allow-origin']).toBe('https://app.acme.dev');
    expect(reply.headers['access-control-expose-headers']).toBe('*');
    const preflight = await send(gateway.url, { method: 'OPTIONS', path: '/v1/messages', headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-methods']).toContain('POST');
  });
});

/** Rows of the wire contract: status, Anthropic type, OpenAI type and code. What needs faults or limits is elsewhere. */
const ROWS: [string, (client: ClientDialect) => ReturnType<typeof conversation>, number, string, string, string][] = [
  [
    'unknown key',
    (client) => conversation(client, { model: 'bare', key: 'unknown' }),
    401,
    'authentication_error',
    'invalid_request_error',
    'invalid_api_key',
  ],
  [
    'model not allowed',
    (client) => conversation(client, { model: 'bare', key: 'key-acme' }),
    403,
    'permission_error',
    'permission_error',
    'model_not_allowed',
  ],
  [
    'unknown model',
    (client) => conversation(client, { model: 'nobody', key: KEY }),
    404,
    'not_found_error',
    'invalid_request_error',
    'model_not_found',
  ],
  [
    'bad parameter',
    (client) => conversation(client, { model: 'bare', key: KEY, extra: { stream: 1 } }),
    400,
    'invalid_request_error',
    'invalid_request_error',
    'invalid_parameter',
  ],
  [
    'malformed body',
    (client) => post(client, KEY, '{'),
    400,
    'invalid_request_error',
    'invalid_request_error',
    'malformed_body',
  ],
  [
    'upstream limited',
    (client) => conversation(client, { model: 'acme/limited', key: KEY }),
    429,
    'rate_limit_error',
    'rate_limit_exceeded',
    'requests',
  ],
];

describe.each(ROWS)('error: %s', (_what, call, status, anthropicType, openaiType, openaiCode) => {
  test('in Anthropic’s words', async () => {
    const reply = await send(gateway.url, call('anthropic'));
    expect(reply.status).toBe(status);
    expect(errorIn('anthropic', reply.text).type).toBe(anthropicType);
    expect(Object.keys(JSON.parse(reply.text)).sort()).toEqual(['error', 'request_id', 'type']);
  });

  test('in OpenAI’s words', async () => {
    const reply = await send(gateway.url, call('chat'));
    expect(reply.status).toBe(status);
    expect(errorIn('chat', reply.text)).toMatchObject({ type: openaiType, code: openaiCode });
    expect(Object.keys(JSON.parse(reply.text).error).sort()).toEqual(['code', 'message', 'param', 'type']);
  });
});

describe('names of models', () => {
  test.each([
    ['anthropic', 'claude-sonnet-4.6'],
    ['anthropic', 'sonnet'],
    ['chat', 'sonnet'],
    ['chat', 'anthropic/claude-sonnet-4.6'],
  ] as const)('%s: %s is the catalog’s id in the reply', async (client, name) => {
    const reply = await send(gateway.url, conversation(client, { model: name, key: KEY }));
    expect(JSON.parse(reply.text).model).toBe('anthropic/claude-sonnet-4.6');
    const requestId = String(reply.headers['x-callmissed-request-id']);
    expect(await usageOf(gateway, requestId)).toMatchObject({ requestedModel: name, model: IDS[0] });
  });
});

describe('the private port', () => {
  test('tells health and readiness without a token, and usage only with it', async () => {
    expect((await send(gateway.adminUrl, { path: '/healthz' })).status).toBe(200);
    expect(JSON.parse((await send(gateway.adminUrl, { path: '/readyz' })).text).status).toBe('ready');
    expect((await send(gateway.adminUrl, { path: '/metrics' })).text).toContain('switchboard_requests_total');
    expect((await send(gateway.adminUrl, { path: '/api/v1/usage' })).status).toBe(401);
    const wrong = { authorization: 'Bearer wrong' };
    expect((await send(gateway.adminUrl, { path: '/api/v1/usage', headers: wrong })).status).toBe(401);
  });

  test('is not the public one', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/api/v1/usage']) {
      expect((await send(gateway.url, { path, headers: OPENAI_HEADERS })).status).toBe(404);
    }
  });
});
