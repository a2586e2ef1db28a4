import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startStack, type RunningStack } from '../stack';
import { conversation, looksComplete } from './conversation';
import { admin, answered, change, costs, Everywhere, linesOf } from './everywhere';
import { GATEWAY_ENV, gatewayConfig, KEY, model, provider } from './gateway-config';
import { open, readWhole } from './http-exchange';
import { usageOf } from './usage-ledger';

const EDGES = 3;
const REPEATS = 5;
/** From the reply of the admin API to the last edge. */
const LIMIT_MS = 1_000;
/** Long enough to be under way through the whole of a change, in chunks of 100 ms. */
const LASTING = 'sim-any;chunks=25;chunk_delay_ms=100';

jest.setTimeout(120_000);

let simulator: RunningSimulator;
let stack: RunningStack;
let everywhere: Everywhere;
let pids: number[];
const worst = new Map<string, number>();

beforeAll(async () => {
  simulator = await startSimulator();
  const config = gatewayConfig(
    [provider('sim', 'chat', simulator.url)],
    [model('quick', [{ provider: 'sim', model: 'sim-any' }]), model('lasting', [{ provider: 'sim', model: LASTING }])],
  );
  stack = await startStack({ config, env: GATEWAY_ENV, replicas: { 'edge-api': EDGES } });
  everywhere = new Everywhere(stack);
  pids = pidsOf(stack);
});

afterAll(async () => {
  everywhere?.close();
  await stack?.stop();
  await simulator?.close();
  process.stderr.write(`the slowest of ${EDGES} edges, the worst of ${REPEATS} times\n${linesOf(worst)}\n`);
});

function pidsOf({ processes }: RunningStack): number[] {
  return processes().map(({ pid }) => pid);
}

/** Does it several times; each gives what the slowest edge took. */
async function repeatedly(what: string, once: (round: number) => Promise<number>): Promise<void> {
  for (let round = 1; round <= REPEATS; round++) {
    const tookMs = await once(round);
    worst.set(what, Math.max(worst.get(what) ?? 0, tookMs));
    expect(tookMs).toBeLessThanOrEqual(LIMIT_MS);
  }
}

let names = 0;
const fresh = (kind: string): string => `${kind}-${++names}`;

interface MadeKey {
  id: string;
  key: string;
}

interface RotatedKey extends MadeKey {
  secrets: { expiresAt: string | null }[];
}

async function newKey(tenant = 'acme'): Promise<MadeKey & { atMs: number }> {
  const { body, atMs } = await change<MadeKey>(stack, 'POST', 'keys', { tenant, name: fresh('key') });
  return { ...body, atMs };
}

/** A key that every edge has in memory. */
async function knownKey(tenant = 'acme'): Promise<MadeKey> {
  const made = await newKey(tenant);
  await everywhere.until(made.atMs, { model: 'quick', key: made.key }, answered(200));
  return made;
}

const declaredModel = (id: string, providerId: string, upstreamModel: string, usdPerMillion = 3) =>
  model(id, [{ provider: providerId, model: upstreamModel }], {
    pricing: { input: usdPerMillion, output: usdPerMillion },
  });

const declaredProvider = (id: string, apiKey: string) => ({ ...provider(id, 'chat', simulator.url), apiKey });

describe('within a second of the admin API’s reply, at each of three edges', () => {
  it('a new key works', () =>
    repeatedly('a new key works', async () => {
      const { key, atMs } = await newKey();
      return everywhere.until(atMs, { model: 'quick', key }, answered(200));
    }));

  it('a revoked key is refused, on connections kept from before too, while its open streams go on to their end', async () => {
    const reading: Promise<{ requestId: string; whole: boolean }>[] = [];
    await repeatedly('a revoked key is refused', async () => {
      const { id, key } = await knownKey();
      let ended = 0;
      for (const url of stack.edges()) {
        const stream = await open(url, conversation('chat', { model: 'lasting', key, stream: true }));
        expect(stream.statusCode).toBe(200);
        const read = async (): Promise<{ requestId: string; whole: boolean }> => {
          const reply = await readWhole(stream);
          ended += 1;
          const requestId = String(reply.headers['x-callmissed-request-id']);
          return { requestId, whole: reply.complete && looksComplete('chat', reply.text) };
        };
        reading.push(read());
      }
      const connections = everywhere.connections.map(({ localPort }) => localPort);
      expect(new Set(connections).size).toBe(EDGES);
      const { atMs } = await change(stack, 'POST', `keys/${id}/revoke`);
      const tookMs = await everywhere.until(atMs, { model: 'quick', key }, answered(401));
      expect(ended).toBe(0);
      expect(everywhere.connections.map(({ changedOnPort }) => changedOnPort)).toEqual(connections);
      for (const { text } of await everywhere.replies({ model: 'quick', key })) expect(text).toContain('revoked');
      return tookMs;
    });
    const streams = await Promise.all(reading);
    expect(streams).toHaveLength(EDGES * REPEATS);
    expect(streams.filter(({ whole }) => !whole)).toEqual([]);
    // What was spent under a key that has ended is accounted for all the same.
    for (const { requestId } of streams.slice(-EDGES)) {
      expect(await usageOf(stack, requestId)).toMatchObject({ status: 200, finish: 'stop', accuracy: 'exact' });
    }
  });

  it('a rotated key’s new secret works, and the old one until the overlap has passed, and no longer', async () => {
    await repeatedly('a rotated key’s new secret works', async () => {
      const before = await knownKey();
      const { body, atMs } = await change<RotatedKey>(stack, 'POST', `keys/${before.id}/rotate`, { overlapSeconds: 2 });
      const { key, secrets } = body;
      const tookMs = await everywhere.until(atMs, { model: 'quick', key }, answered(200));
      const endMs = Date.parse(secrets.find(({ expiresAt }) => expiresAt !== null)?.expiresAt ?? '');
      const old = { model: 'quick', key: before.key };
      const replies = await everywhere.replies(old);
      expect(Date.now()).toBeLessThan(endMs);
      expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
      await delay(endMs - Date.now());
      const endedAfterMs = await everywhere.until(performance.now(), old, answered(401));
      expect(endedAfterMs).toBeLessThanOrEqual(LIMIT_MS);
      const after = await everywhere.replies({ model: 'quick', key });
      expect(after.map(({ status }) => status)).toEqual(after.map(() => 200));
      return tookMs;
    });
  });

  it('without an overlap a rotated key’s old secret is refused', () =>
    repeatedly('a rotated key’s old secret is refused', async () => {
      const { id, key } = await knownKey();
      const { atMs } = await change(stack, 'POST', `keys/${id}/rotate`, { overlapSeconds: 0 });
      return everywhere.until(atMs, { model: 'quick', key }, answered(401));
    }));

  it('a tenant that is deactivated is refused with all its keys, and served again once it is active', async () => {
    const tenant = fresh('tenant');
    await change(stack, 'POST', 'tenants', { id: tenant });
    const keys = [await knownKey(tenant), await knownKey(tenant)];
    const untilAll = async (atMs: number, status: number): Promise<number> => {
      const took = keys.map(({ key }) => everywhere.until(atMs, { model: 'quick', key }, answered(status)));
      return Math.max(...(await Promise.all(took)));
    };
    const set = (active: boolean) => change(stack, 'PATCH', `tenants/${tenant}`, { active });
    await repeatedly('a deactivated tenant is refused', async () => {
      const tookMs = await untilAll((await set(false)).atMs, 403);
      const backMs = await untilAll((await set(true)).atMs, 200);
      return Math.max(tookMs, backMs);
    });
  });

  it('a changed price is what the next reply costs', async () => {
    const id = fresh('model');
    await change(stack, 'POST', 'models', declaredModel(id, 'sim', 'sim-any;input_tokens=100;output_tokens=30', 1));
    await repeatedly('a changed price counts', async (round) => {
      const pricing = { input: 2 * round, output: 10 * round };
      const { atMs } = await change(stack, 'PATCH', `models/${id}`, { pricing });
      return everywhere.until(atMs, { model: id, key: KEY }, costs((100 * 2 * round + 30 * 10 * round) / 1e6));
    });
  });

  it('a model on a new provider is served', () =>
    repeatedly('a model on a new provider is served', async () => {
      const [providerId, id] = [fresh('provider'), fresh('model')];
      await change(stack, 'POST', 'providers', declaredProvider(providerId, 'sk-credential-of-the-new-one'));
      const { atMs } = await change(stack, 'POST', 'models', declaredModel(id, providerId, 'sim-any'));
      return everywhere.until(
        atMs,
        { model: id, key: KEY },
        ({ status, headers }) => status === 200 && headers['x-callmissed-upstream'] === providerId,
      );
    }));

  it('a provider’s changed credential is what its upstream gets', async () => {
    const [providerId, id] = [fresh('provider'), fresh('model')];
    await change(stack, 'POST', 'providers', declaredProvider(providerId, 'sk-credential-number-0000'));
    await change(stack, 'POST', 'models', declaredModel(id, providerId, 'sim-any'));
    await repeatedly('a changed credential is used', async (round) => {
      const apiKey = `sk-credential-number-${String(round).padStart(4, '0')}`;
      const { atMs, body } = await change(stack, 'PATCH', `providers/${providerId}`, { apiKey });
      expect(JSON.stringify(body)).not.toContain(apiKey);
      return everywhere.until(atMs, { model: id, key: KEY }, ({ headers }) => {
        const requestId = headers['x-callmissed-request-id'];
        const received = simulator.received(200).find((each) => each.headers['x-request-id'] === requestId);
        // The simulator shows the last four characters.
        return received?.headers.authorization === `Bearer ***${apiKey.slice(-4)}`;
      });
    });
  });

  it('a removed model is unknown, and only then its provider can go', () =>
    repeatedly('a removed model is unknown', async () => {
      const [providerId, id] = [fresh('provider'), fresh('model')];
      await change(stack, 'POST', 'providers', declaredProvider(providerId, 'sk-credential-of-a-short-life'));
      const made = await change(stack, 'POST', 'models', declaredModel(id, providerId, 'sim-any'));
      await everywhere.until(made.atMs, { model: id, key: KEY }, answered(200));
      expect(await admin(stack, 'DELETE', `providers/${providerId}`)).toMatchObject({ status: 409 });
      const { atMs } = await change(stack, 'DELETE', `models/${id}`);
      const tookMs = await everywhere.until(atMs, { model: id, key: KEY }, answered(404));
      await change(stack, 'DELETE', `providers/${providerId}`);
      return tookMs;
    }));

  it('and no process was restarted', () => {
    expect(pidsOf(stack)).toEqual(pids);
    expect(stack.processes().filter(({ status }) => status !== 'ready')).toEqual([]);
  });
});
