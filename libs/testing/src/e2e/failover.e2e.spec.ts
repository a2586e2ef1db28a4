import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { freePort } from '@switchboard/platform';
import { startGateway, type RunningGateway } from '../gateway';
import {
  CLIENT_DIALECTS,
  conversation,
  errorIn,
  looksComplete,
  streamedText,
  streamError,
  type Ask,
  type ClientDialect,
} from './conversation';
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
import { send, type RawReply } from './http-exchange';
import { gauge, usageOf } from './usage-ledger';

jest.setTimeout(60_000);

const PATIENCE_MS = 700;
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** What the first upstream does; `dead` is one that nobody listens at. */
const FAULTS: Record<string, string> = {
  dead: '',
  '500': 'sim-any;status=500',
  '529': 'sim-any;status=529',
  '429': 'sim-any;status=429;retry_after=30',
  '401': 'sim-any;status=401',
  '403': 'sim-any;status=403',
  '404': 'sim-any;status=404',
  reset: 'sim-any;drop',
  hang: 'sim-any;hang',
};

/** Client dialect, dialect of the first upstream, dialect of the second. */
const TRIPLES = CLIENT_DIALECTS.flatMap((client) =>
  UPSTREAM_DIALECTS.flatMap((first) =>
    UPSTREAM_DIALECTS.map((second): [ClientDialect, UpstreamDialect, UpstreamDialect] => [client, first, second]),
  ),
);

let simulator: RunningSimulator;
let gateway: RunningGateway;

beforeAll(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({ config: await configFor(simulator.url), env: GATEWAY_ENV });
});

afterAll(async () => {
  await gateway?.stop();
  await simulator?.close();
});

/** A client, whether it streams, and the dialects of the first and second upstream. */
type Variant = [client: ClientDialect, stream: boolean, first: UpstreamDialect, second: UpstreamDialect];

const VARIANTS = TRIPLES.flatMap(([client, first, second]) =>
  [false, true].map((stream): Variant => [client, stream, first, second]),
);

const idOf = (fault: string, variant: Variant) => `${fault}/${variant.join('-')}`;

async function configFor(origin: string): Promise<Json> {
  const timeouts = { connectMs: 1000, firstTokenMs: PATIENCE_MS, idleMs: PATIENCE_MS, totalMs: PATIENCE_MS };
  const dead = `http://127.0.0.1:${await freePort()}`;
  const providers: Json[] = [];
  /** What one call finds out of an upstream changes where the next one goes: each model has upstreams of its own. */
  const upstream = (role: 'first' | 'second' | 'third' | 'dead', dialect: UpstreamDialect, name = 'sim-any') => {
    const id = `${role}-${dialect}.${providers.length}`;
    const tier = ['dead', 'first', 'second', 'third'].indexOf(role);
    const patience = role === 'first' ? { timeouts } : {};
    providers.push(provider(id, dialect, role === 'dead' ? dead : origin, { ...patience, tier, probe: 'off' }));
    return { provider: id, model: name };
  };
  const models = VARIANTS.flatMap((variant) => {
    const [, , first, second] = variant;
    const of = (fault: string, ...upstreams: { provider: string; model: string }[]) =>
      model(idOf(fault, variant), upstreams);
    const simulated = (fault: string, scenario: string) =>
      of(fault, upstream('first', first, `sim-any;${scenario}`), upstream('second', second));
    return [
      ...Object.entries(FAULTS).map(([fault, name]) =>
        of(
          fault,
          fault === 'dead' ? upstream('dead', first) : upstream('first', first, name),
          upstream('second', second),
        ),
      ),
      simulated('refused', 'status=400'),
      simulated('unprocessable', 'status=422'),
      simulated('breaks', 'chunks=6;chunk_delay_ms=30;truncate=2,close'),
      of('well', upstream('first', first), upstream('second', second)),
      of('third', upstream('dead', first), upstream('first', second, 'sim-any;status=500'), upstream('third', first)),
      of('all-dead', upstream('dead', first), upstream('dead', second)),
      of(
        'all-limited',
        upstream('first', first, FAULTS['429']),
        upstream('second', second, 'sim-any;status=429;retry_after=9'),
      ),
      of('all-busy', upstream('first', first, FAULTS['429']), upstream('second', second, 'sim-any;status=529')),
      of('dead-then-refused', upstream('dead', first), upstream('second', second, 'sim-any;status=400')),
    ];
  });
  const choice = autoModels(upstream);
  const keys = [{ name: 'pinned', key: { hash: keyHash('key-pinned') }, models: ['well/*'] }];
  const config = gatewayConfig(providers, [...models, ...choice], keys);
  return { ...config, policies: { auto: { order: ['tier', 'price'], models: ['choice/*'] } } };
}

/** What `auto` may choose: each of them is best at something, and the nearest of all is down. */
function autoModels(
  upstream: (
    role: 'first' | 'second' | 'third' | 'dead',
    dialect: UpstreamDialect,
  ) => { provider: string; model: string },
): Json[] {
  const at = (input: number) => ({ pricing: { input, output: input * 5 } });
  const blind = { capabilities: { tools: 'none', vision: false } };
  return [
    model('choice/down', [upstream('dead', 'anthropic')], { ...at(1), ...blind }),
    model('choice/near-blind', [upstream('first', 'chat')], { ...at(9), ...blind }),
    model('choice/small', [upstream('first', 'anthropic')], { ...at(8), contextWindow: 1000 }),
    model('choice/cheap-blind', [upstream('third', 'chat')], { ...at(2), ...blind }),
    model('choice/able', [upstream('second', 'anthropic')], at(4)),
  ];
}

function ask(client: ClientDialect, modelId: string, more: Partial<Ask> = {}): Promise<RawReply> {
  return send(gateway.url, conversation(client, { model: modelId, key: KEY, ...more }));
}

function requestIdOf(reply: RawReply): string {
  return String(reply.headers['x-callmissed-request-id']);
}

/** Requests the simulator got under this id, in order. */
function servedFor(reply: RawReply) {
  return simulator.served().requests.filter((request) => request.request_id === requestIdOf(reply));
}

/** The text of a whole reply, or of a stream that ended as it should. */
function answerOf(client: ClientDialect, stream: boolean, { text }: RawReply): string {
  if (stream) {
    expect(looksComplete(client, text)).toBe(true);
    return streamedText(client, text);
  }
  const body = JSON.parse(text);
  return client === 'anthropic' ? body.content[0].text : body.choices[0].message.content;
}

describe.each(VARIANTS)('%s client, stream: %s, first upstream %s, second %s', (...variant) => {
  const [client, stream, first, second] = variant;

  describe('before the first byte', () => {
    test.each(Object.keys(FAULTS))('first upstream %s: the client sees only the second’s success', async (fault) => {
      const reply = await ask(client, idOf(fault, variant), { stream });
      expect(reply.status).toBe(200);
      expect(reply.headers['x-callmissed-attempts']).toBe('2');
      expect(reply.headers['x-callmissed-upstream']).toMatch(`second-${second}`);
      expect(answerOf(client, stream, reply)).toBe('Hi from the Switchboard simulator. You wrote: Say hi');
      expect(reply.text).not.toContain('error');

      const served = servedFor(reply).at(-1);
      expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({
        upstream: expect.stringContaining(`second-${second}`),
        upstreamDialect: second === 'anthropic' ? 'anthropic-messages' : 'openai-chat',
        attempts: 2,
        accuracy: 'exact',
        inputTokens: served?.input_tokens,
        outputTokens: served?.output_tokens,
      });
    });

    test.each([
      ['refused', 400],
      ['unprocessable', 422],
    ])('what the first calls a fault of the request (%s) is final', async (fault, status) => {
      const reply = await ask(client, idOf(fault, variant), { stream });
      expect(reply.status).toBe(status);
      expect(reply.headers['x-callmissed-attempts']).toBe('1');
      expect(reply.headers['x-callmissed-upstream']).toMatch(`first-${first}`);
      expect(servedFor(reply)).toHaveLength(1);
      expect(errorIn(client, reply.text).message).toBe(`Simulated failure ${status}`);
    });

    test('a healthy first upstream is the only one asked', async () => {
      const reply = await ask(client, idOf('well', variant), { stream });
      expect(reply.headers['x-callmissed-attempts']).toBe('1');
      expect(reply.headers['x-callmissed-upstream']).toMatch(`first-${first}`);
      expect(servedFor(reply)).toHaveLength(1);
    });

    test('upstreams are tried to the last, the better tier first', async () => {
      const reply = await ask(client, idOf('third', variant), { stream });
      expect(reply.status).toBe(200);
      expect(reply.headers['x-callmissed-attempts']).toBe('3');
      expect(reply.headers['x-callmissed-upstream']).toMatch(`third-${first}`);
    });

    test('with all of them dead there is one clear error', async () => {
      const reply = await ask(client, idOf('all-dead', variant), { stream });
      expect(reply.status).toBe(502);
      expect(reply.headers['x-callmissed-attempts']).toBe('2');
      expect(errorIn(client, reply.text)).toMatchObject({ message: 'The upstream could not be reached.' });
      expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({
        attempts: 2,
        finish: 'upstream_error',
        status: 502,
      });
    });

    test('with all of them limited the shortest wait is told', async () => {
      const reply = await ask(client, idOf('all-limited', variant), { stream });
      expect(reply.status).toBe(429);
      expect(reply.headers['retry-after']).toBe('9');
    });

    test('with all of them busy the caller is told to come back', async () => {
      const reply = await ask(client, idOf('all-busy', variant), { stream });
      expect(reply.status).toBe(client === 'anthropic' ? 529 : 503);
    });

    test('a refusal by the second is told as it is', async () => {
      const reply = await ask(client, idOf('dead-then-refused', variant), { stream });
      expect(reply.status).toBe(400);
      expect(reply.headers['x-callmissed-attempts']).toBe('2');
      expect(errorIn(client, reply.text).message).toBe('Simulated failure 400');
    });
  });
});

describe.each(VARIANTS.filter(([, stream]) => stream))(
  '%s client, stream: %s, first upstream %s, second %s',
  (...variant) => {
    const [client, stream, first] = variant;

    test('once bytes have gone out, no other upstream is asked', async () => {
      const reply = await ask(client, idOf('breaks', variant), { stream });
      expect(reply.status).toBe(200);
      expect(reply.headers['x-callmissed-attempts']).toBe('1');
      expect(streamError(client, reply.text)).toBeDefined();
      expect(servedFor(reply)).toHaveLength(1);
      expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({
        upstream: expect.stringContaining(`first-${first}`),
        attempts: 1,
      });
    });
  },
);

describe.each(CLIENT_DIALECTS)('auto, %s', (client) => {
  const image =
    client === 'anthropic'
      ? { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }
      : { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };

  test.each([false, true])('takes the nearest that answers, and says which (stream: %s)', async (stream) => {
    const reply = await ask(client, 'auto', { stream });
    expect(reply.status).toBe(200);
    expect(reply.headers['x-callmissed-upstream']).toMatch('first-anthropic');
    expect(reply.text).toContain('"model":"choice/small"');
    expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({ requestedModel: 'auto', model: 'choice/small' });
  });

  test('auto:cheapest goes by price', async () => {
    const reply = await ask(client, 'auto:cheapest');
    expect(JSON.parse(reply.text).model).toBe('choice/cheap-blind');
  });

  test('auto:fastest takes one of those that answer', async () => {
    expect(JSON.parse((await ask(client, 'auto:fastest')).text).model).toMatch(/^choice\/(?!down)/);
  });

  test('chooses only what can see an image, at any price', async () => {
    const messages = [{ role: 'user', content: [image] }];
    const reply = await ask(client, 'auto:cheapest', { extra: { messages } });
    expect(JSON.parse(reply.text).model).toBe('choice/able');
    expect(reply.headers['x-callmissed-attempts']).toBe('1');
  });

  test('chooses only what the prompt fits into', async () => {
    const text = 'one two three four five six seven eight nine ten '.repeat(400);
    const reply = await ask(client, 'auto', { text });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text).model).toBe('choice/near-blind');
  });

  test('auto by another name is a 404', async () => {
    const reply = await ask(client, 'auto:best');
    expect(reply.status).toBe(404);
    expect(errorIn(client, reply.text).message).toContain('auto:best');
  });

  test('a key that may use none of the choice is refused', async () => {
    const reply = await ask(client, 'auto', { key: 'key-pinned' });
    expect(reply.status).toBe(403);
    expect(errorIn(client, reply.text).type).toBe('permission_error');
  });
});

describe('after all of that', () => {
  test('nothing is left open', async () => {
    expect(await gauge(gateway, 'switchboard_open_requests')).toBe(0);
    expect(simulator.served().requests.filter(({ outcome }) => outcome === 'active')).toEqual([]);
  });
});
