import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CLIENT_DIALECTS, errorIn } from './conversation';
import { admin } from './everywhere';
import {
  ask,
  edgeReadiness,
  accountingOf,
  faults,
  newKey,
  ReadinessWatch,
  setLimiterPolicy,
  signalServer,
  startLoad,
  startOutageWorld,
  type OutageWorld,
} from './outage-world';
import type { Group, LoadCall } from './steady-load';
import { eventually } from './usage-ledger';

jest.setTimeout(180_000);

/** Longer than any deadline within the gateway, the 15 s of a statement of Postgres being the longest. */
const OUTAGE_MS = 20_000;
const HANG_MS = 15_000;
/** How long an outage may take to show everywhere: calls under way then still had what they needed. */
const ONSET_MS = 1_500;
/** A call that began in its last moments may have been lucky. */
const ENDING_MS = 2_000;
const BACK_WITHIN_MS = 2_000;
const BUDGETED: readonly Group[] = ['key-budget', 'tenant-budget'];

let world: OutageWorld;

beforeAll(async () => {
  world = await startOutageWorld();
});

afterAll(() => world?.stop());

const of = (calls: readonly LoadCall[], groups: readonly Group[]): LoadCall[] =>
  calls.filter(({ group }) => groups.includes(group));

/** Times of performance.now(): it had begun, it was about to end, it had ended. */
interface Outage {
  begunAtMs: number;
  endingAtMs: number;
  endedAtMs: number;
}

/** Refused all the while, clearly and soon, and served again within two seconds of the end. */
function expectRefusedDuring(calls: readonly LoadCall[], { begunAtMs, endingAtMs, endedAtMs }: Outage): void {
  const during = calls.filter(({ startedAtMs: at }) => at >= begunAtMs + ONSET_MS && at < endingAtMs - ENDING_MS);
  expect(during.length).toBeGreaterThan(20);
  expect(during.filter(({ outcome }) => outcome !== 'refused').map(({ detail }) => detail)).toEqual([]);
  const refused = calls.filter(({ outcome }) => outcome !== 'whole');
  for (const call of refused) {
    expect(call).toMatchObject({ outcome: 'refused', status: 503, retryAfter: '1' });
    expect(call.errorCode).toBe(call.dialect === 'chat' ? 'limiter_unavailable' : '');
    expect(call.detail).toContain('cannot be checked right now');
    expect(call.startedAtMs).toBeLessThan(endedAtMs + BACK_WITHIN_MS);
  }
  expect(new Set(refused.map(({ dialect }) => dialect)).size).toBe(CLIENT_DIALECTS.length);
  expect(Math.max(...refused.map(({ startedAtMs, endedAtMs: at }) => at - startedAtMs))).toBeLessThanOrEqual(2_000);
}

/** Whole calls reached the upstream once and the ledger once, whatever was away; of refused ones there is no trace. */
async function expectAccounted(calls: readonly LoadCall[], mayMiss: readonly LoadCall[] = []): Promise<void> {
  const upstreamCalls = calls.filter(({ outcome }) => outcome === 'whole').length;
  const accounting = await accountingOf(world, calls, mayMiss);
  expect(accounting).toEqual({ missing: [], twice: [], undue: [], upstreamCalls });
}

/** The load of some seconds, with an outage in it. */
async function outage(
  name: string,
  { begin, during, end }: { begin: () => unknown; during: () => Promise<unknown>; end: () => unknown },
): Promise<Outage & { calls: LoadCall[] }> {
  const load = await startLoad(world, name);
  const readiness = new ReadinessWatch(world.stack);
  let calls: LoadCall[];
  const when = { begunAtMs: 0, endingAtMs: 0, endedAtMs: 0 };
  try {
    await begin();
    when.begunAtMs = performance.now();
    await during();
    when.endingAtMs = performance.now();
    await end();
    when.endedAtMs = performance.now();
    await delay(BACK_WITHIN_MS + 500);
  } finally {
    calls = await load.stop();
  }
  expect(await readiness.stop()).toEqual([200]);
  return { calls, ...when };
}

describe('while Postgres is away', () => {
  async function expectNoMutations(limitMs: number): Promise<void> {
    const askedAtMs = performance.now();
    const { status, body, atMs } = await admin(world.stack, 'POST', 'tenants', { id: 'not-now' });
    expect([status, body]).toMatchObject([503, { error: { code: 'store_unavailable' } }]);
    expect(atMs - askedAtMs).toBeLessThan(limitMs);
  }

  const expectMutations = (id: string): Promise<void> =>
    eventually(
      'the admin API works again',
      async () => (await admin(world.stack, 'POST', 'tenants', { id })).status === 201,
    );

  test('stopped for 20 s under load: no call fails, and each is in the ledger exactly once', async () => {
    const { stack } = world;
    const { calls } = await outage('postgres-stopped', {
      begin: () => stack.control('stop', 'postgres'),
      during: async () => {
        for (let index = 0; index < 3; index++) {
          await expectNoMutations(2_000);
          await delay(OUTAGE_MS / 3);
        }
      },
      end: () => stack.control('start', 'postgres'),
    });
    expect(faults(calls)).toEqual([]);
    await expectMutations('after-the-stop');
    await expectAccounted(calls);
  });

  test('silent for 15 s under load: no call fails, and each is in the ledger exactly once', async () => {
    const { stack } = world;
    const { calls } = await outage('postgres-silent', {
      begin: () => signalServer(stack, 'postgres', 'SIGSTOP'),
      during: async () => {
        const until = delay(HANG_MS);
        await expectNoMutations(5_000);
        await expectNoMutations(5_000);
        await until;
      },
      end: () => signalServer(stack, 'postgres', 'SIGCONT'),
    });
    expect(faults(calls)).toEqual([]);
    await expectMutations('after-the-silence');
    await expectAccounted(calls);
  });
});

describe('while NATS is away', () => {
  async function expectUnknowable(key: string): Promise<void> {
    for (const dialect of CLIENT_DIALECTS) {
      const { status, text } = await ask(world.stack.url, dialect, key);
      expect(status).toBe(503);
      expect(errorIn(dialect, text)).toMatchObject(
        dialect === 'chat' ? { code: 'key_store_unavailable' } : { type: 'api_error' },
      );
    }
  }

  async function expectRevocable({ id, key }: { id: string; key: string }): Promise<void> {
    const { stack } = world;
    expect((await admin(stack, 'POST', `keys/${id}/revoke`)).status).toBe(200);
    const revokedAtMs = performance.now();
    for (const edge of stack.edges()) {
      await eventually('the key is revoked', async () => (await ask(edge, 'chat', key)).status === 401, 1_000);
    }
    expect(performance.now() - revokedAtMs).toBeLessThan(1_000);
  }

  /** Each service connects anew at its own pace. */
  const untilBack = (): Promise<void> =>
    eventually('every service is connected', async () => {
      const { stack } = world;
      const statuses = await edgeReadiness(stack);
      return [...statuses, ...stack.processes().map(({ status }) => status)].every((status) => status === 'ready');
    });

  test('stopped for 20 s under load: known keys without a budget notice nothing, and nothing is lost', async () => {
    const { stack } = world;
    const [known, unused] = [await newKey(stack, 'known'), await newKey(stack, 'unused')];
    for (const edge of stack.edges()) {
      await eventually('the new key works', async () => (await ask(edge, 'chat', known.key)).status === 200);
    }
    const { calls, ...when } = await outage('nats-stopped', {
      begin: () => stack.control('stop', 'nats'),
      during: async () => {
        const until = delay(OUTAGE_MS);
        await expectUnknowable('cm_test_nobody-knows-it');
        await expectUnknowable(unused.key);
        expect(await edgeReadiness(stack)).toEqual(['degraded', 'degraded']);
        await until;
        await expectUnknowable(unused.key);
      },
      end: async () => {
        await stack.control('start', 'nats');
        await untilBack();
      },
    });
    expect(faults(of(calls, ['unbounded', 'limited']))).toEqual([]);
    expectRefusedDuring(of(calls, BUDGETED), when);
    await expectAccounted(calls);
    expect((await ask(stack.url, 'chat', unused.key)).status).toBe(200);
    expect((await ask(stack.url, 'chat', 'cm_test_nobody-knows-it')).status).toBe(401);
    await expectRevocable(known);
  });

  test('and all it held is gone: known keys work on, and the rest is there again by itself', async () => {
    const { stack } = world;
    const [known, unused] = [await newKey(stack, 'known-before'), await newKey(stack, 'unused-before')];
    for (const edge of stack.edges()) {
      await eventually('the new key works', async () => (await ask(edge, 'chat', known.key)).status === 200);
    }
    await setLimiterPolicy(world, 'closed');
    const { calls, ...when } = await outage('nats-wiped', {
      begin: () => stack.control('stop', 'nats'),
      during: async () => {
        rmSync(path.join(stack.dataDir, 'nats'), { recursive: true });
        await delay(5_000);
      },
      end: async () => {
        await stack.control('start', 'nats');
        await untilBack();
      },
    });
    expect(faults(of(calls, ['unbounded']))).toEqual([]);
    expectRefusedDuring(of(calls, [...BUDGETED, 'limited']), when);
    // What the stream had taken and nobody had read yet is gone with it.
    const upToOutage = calls.filter(({ endedAtMs }) => endedAtMs < when.begunAtMs);
    await expectAccounted(calls, upToOutage);
    await eventually(
      'a key nobody had asked for',
      async () => (await ask(stack.url, 'chat', unused.key)).status === 200,
    );
    const { key } = await newKey(stack, 'new-after');
    await eventually('a new key', async () => (await ask(stack.url, 'chat', key)).status === 200, 1_000);
    await expectRevocable(known);
    await setLimiterPolicy(world, 'open');
  });
});

describe('while Redis is away', () => {
  test('stopped for 20 s under load: budgeted keys are refused clearly, all others are served', async () => {
    const { stack } = world;
    const { calls, ...when } = await outage('redis-stopped', {
      begin: () => stack.control('stop', 'redis'),
      during: () => delay(OUTAGE_MS),
      end: () => stack.control('start', 'redis'),
    });
    expect(faults(of(calls, ['unbounded', 'limited']))).toEqual([]);
    expectRefusedDuring(of(calls, BUDGETED), when);
    await expectAccounted(calls);
  });

  test('silent for 10 s, where the policy is closed: limited keys are refused as well', async () => {
    const { stack } = world;
    await setLimiterPolicy(world, 'closed');
    const { calls, ...when } = await outage('redis-silent', {
      begin: () => signalServer(stack, 'redis', 'SIGSTOP'),
      during: () => delay(10_000),
      end: () => signalServer(stack, 'redis', 'SIGCONT'),
    });
    expect(faults(of(calls, ['unbounded']))).toEqual([]);
    expectRefusedDuring(of(calls, [...BUDGETED, 'limited']), when);
    await expectAccounted(calls);
  });
});
