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

async function configFor(origin: string): Promise<Json> {
  const timeouts = { connectMs: 1000, firstTokenMs: PATIENCE_MS, idleMs: PATIENCE_MS, totalMs: PATIENCE_MS };
  const dead = `http://127.0.0.1:${await freePort()}`;
  const providers = UPSTREAM_DIALECTS.flatMap((dialect) => [
    provider(`first-${dialect}`, dialect, origin, { timeouts, tier: 1 }),
    provider(`second-${dialect}`, dialect, origin, { tier: 2 }),
    provider(`third-${dialect}`, dialect, origin, { tier: 3 }),
    provider(`dead-${dialect}`, dialect, dead, { tier: 0 }),
  ]);
  const faulty = (name: string, dialect: UpstreamDialect) =>
    name === 'dead'
      ? { provider: `dead-${dialect}`, model: 'sim-any' }
      : { provider: `first-${dialect}`, model: FAULTS[name] ?? '' };
  const models = UPSTREAM_DIALECTS.flatMap((first) =>
    UPSTREAM_DIALECTS.flatMap((second) => {
      const well = { provider: `second-${second}`, model: 'sim-any' };
      const of = (id: string, ...upstreams: { provider: string; model: string }[]) =>
        model(`${id}/${first}-${second}`, upstreams);
      const simulated = (id: string, scenario: string) =>
        of(id, { provider: `first-${first}`, model: `sim-any;${scenario}` }, well);
      return [
        ...Object.keys(FAULTS).map((name) => of(name, faulty(name, first), well)),
        simulated('refused', 'status=400'),
        simulated('unprocessable', 'status=422'),
        simulated('breaks', 'chunks=6;chunk_delay_ms=30;truncate=2,close'),
        of('well', { provider: `first-${first}`, model: 'sim-any' }, well),
        of(
          'third',
          faulty('dead', first),
          { provider: `first-${second}`, model: 'sim-any;status=500' },
          {
            provider: `third-${first}`,
            model: 'sim-any',
          },
        ),
        of('all-dead', faulty('dead', first), { provider: `dead-${second}`, model: 'sim-other' }),
        of('all-limited', faulty('429', first), {
          provider: `second-${second}`,
          model: 'sim-any;status=429;retry_after=9',
        }),
        of('all-busy', faulty('429', first), { provider: `second-${second}`, model: 'sim-any;status=529' }),
        of('dead-then-refused', faulty('dead', first), { provider: `second-${second}`, model: 'sim-any;status=400' }),
      ];
    }),
  );
  const keys = [{ name: 'pinned', key: { hash: keyHash('key-pinned') }, models: ['well/*'] }];
  const config = gatewayConfig(providers, [...models, ...autoModels()], keys);
  return { ...config, policies: { auto: { order: ['tier', 'price'], models: ['choice/*'] } } };
}

/** What `auto` may choose: each of them is best at something, and the nearest of all is down. */
function autoModels(): Json[] {
  const at = (input: number) => ({ pricing: { input, output: input * 5 } });
  const blind = { capabilities: { tools: 'none', vision: false } };
  return [
    model('choice/down', [{ provider: 'dead-anthropic', model: 'sim-any' }], { ...at(1), ...blind }),
    model('choice/near-blind', [{ provider: 'first-chat', model: 'sim-any' }], { ...at(9), ...blind }),
    model('choice/small', [{ provider: 'first-anthropic', model: 'sim-any' }], { ...at(8), contextWindow: 1000 }),
    model('choice/cheap-blind', [{ provider: 'third-chat', model: 'sim-any' }], { ...at(2), ...blind }),
    model('choice/able', [{ provider: 'second-anthropic', model: 'sim-any' }], at(4)),
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

describe.each(TRIPLES)('%s client, first upstream %s, second %s', (client, first, second) => {
  describe.each([false, true])('stream: %s', (stream) => {
    test.each(Object.keys(FAULTS))('first upstream %s: the client sees only the second’s success', async (fault) => {
      const reply = await ask(client, `${fault}/${first}-${second}`, { stream });
      expect(reply.status).toBe(200);
      expect(reply.headers['x-callmissed-attempts']).toBe('2');
      expect(reply.headers['x-callmissed-upstream']).toBe(`second-${second}`);
      expect(answerOf(client, stream, reply)).toBe('Hi from the Switchboard simulator. You wrote: Say hi');
      expect(reply.text).not.toContain('error');

      const served = servedFor(reply).at(-1);
      expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({
        upstream: `second-${second}`,
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
      const reply = await ask(client, `${fault}/${first}-${second}`, { stream });
      expect(reply.status).toBe(status);
      expect(reply.headers['x-callmissed-attempts']).toBe('1');
      expect(reply.headers['x-callmissed-upstream']).toBe(`first-${first}`);
      expect(servedFor(reply)).toHaveLength(1);
      expect(errorIn(client, reply.text).message).toBe(`Simulated failure ${status}`);
    });

    test('a healthy first upstream is the only one asked', async () => {
      const reply = await ask(client, `well/${first}-${second}`, { stream });
      expect(reply.headers['x-callmissed-attempts']).toBe('1');
      expect(reply.headers['x-callmissed-upstream']).toBe(`first-${first}`);
      expect(servedFor(reply)).toHaveLength(1);
    });

    test('upstreams are tried to the last, in the order listed', async () => {
      const reply = await ask(client, `third/${first}-${second}`, { stream });
      expect(reply.status).toBe(200);
      expect(reply.headers['x-callmissed-attempts']).toBe('3');
      expect(reply.headers['x-callmissed-upstream']).toBe(`third-${first}`);
    });

    test('with all of them dead there is one clear error', async () => {
      const reply = await ask(client, `all-dead/${first}-${second}`, { stream });
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
      const reply = await ask(client, `all-limited/${first}-${second}`, { stream });
      expect(reply.status).toBe(429);
      expect(reply.headers['retry-after']).toBe('9');
    });

    test('with all of them busy the caller is told to come back', async () => {
      const reply = await ask(client, `all-busy/${first}-${second}`, { stream });
      expect(reply.status).toBe(client === 'anthropic' ? 529 : 503);
    });

    test('a refusal by the second is told as it is', async () => {
      const reply = await ask(client, `dead-then-refused/${first}-${second}`, { stream });
      expect(reply.status).toBe(400);
      expect(reply.headers['x-callmissed-attempts']).toBe('2');
      expect(errorIn(client, reply.text).message).toBe('Simulated failure 400');
    });
  });

  test('once bytes have gone out, no other upstream is asked', async () => {
    const reply = await ask(client, `breaks/${first}-${second}`, { stream: true });
    expect(reply.status).toBe(200);
    expect(reply.headers['x-callmissed-attempts']).toBe('1');
    expect(streamError(client, reply.text)).toBeDefined();
    expect(servedFor(reply)).toHaveLength(1);
    expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({ upstream: `first-${first}`, attempts: 1 });
  });
});

describe.each(CLIENT_DIALECTS)('auto, %s', (client) => {
  const image =
    client === 'anthropic'
      ? { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }
      : { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };

  test.each([false, true])('takes the nearest that answers, and says which (stream: %s)', async (stream) => {
    const reply = await ask(client, 'auto', { stream });
    expect(reply.status).toBe(200);
    expect(reply.headers['x-callmissed-attempts']).toBe('2');
    expect(reply.headers['x-callmissed-upstream']).toBe('first-anthropic');
    expect(reply.text).toContain('"model":"choice/small"');
    expect(await usageOf(gateway, requestIdOf(reply))).toMatchObject({ requestedModel: 'auto', model: 'choice/small' });
  });

  test('auto:cheapest goes by price', async () => {
    const reply = await ask(client, 'auto:cheapest');
    expect(reply.headers['x-callmissed-attempts']).toBe('2');
    expect(JSON.parse(reply.text).model).toBe('choice/cheap-blind');
  });

  test('auto:fastest goes by nearness', async () => {
    expect(JSON.parse((await ask(client, 'auto:fastest')).text).model).toBe('choice/small');
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
