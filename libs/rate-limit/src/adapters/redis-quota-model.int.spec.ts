import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { periodStartMs, type ReservationRequest, type ScopeBounds } from '@switchboard/contracts';
import { closeRedis, createLogger, type LocalServer, openRedis, type Redis, startRedis } from '@switchboard/platform';
import fc from 'fast-check';
import { reservation, settlement } from '../__fixtures__/reservation';
import { InMemoryQuota } from '../core/in-memory-quota';
import type { Orphan, Quota } from '../core/quota';
import { reservationPrefix } from './redis-keys';
import { RedisQuota } from './redis-quota';

jest.setTimeout(120_000);

const log = createLogger({ level: 'silent', name: 'test' });
const BEGINNING = Date.parse('2026-11-20T23:50:00Z');
const LEASE_MS = 20_000;
/** Times of a history are multiples of this: what Redis's own clock goes on meanwhile is less, and rounded away. */
const STEP_MS = 500;

let folder: string;
let server: LocalServer;
let redis: Redis;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-quota-model-'));
  server = await startRedis({ folder, log });
  redis = openRedis({ url: server.url, log, name: 'test' });
  await new Promise((resolve) => redis.once('ready', resolve));
});

afterAll(async () => {
  await closeRedis(redis);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const limit = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: undefined });

const scopeArbitrary = (scope: string, ids: ('budget' | 'credits')[]): fc.Arbitrary<ScopeBounds> =>
  fc.record({
    scope: fc.constant(scope),
    limits: fc
      .record({ rpm: limit(8), itpm: limit(200), otpm: limit(200), tpm: limit(400), concurrency: limit(4) })
      .map((limits) => JSON.parse(JSON.stringify(limits)) as ScopeBounds['limits']),
    budgets: fc.tuple(
      ...ids.map((id) =>
        fc.record({
          id: fc.constant(id),
          nanoUsd: fc.integer({ min: 1, max: 3_000 }),
          period: id === 'credits' ? fc.constant('total' as const) : fc.constantFrom('day' as const, 'month' as const),
        }),
      ),
    ),
  });

const callArbitrary = fc.record({
  scopes: fc.tuple(scopeArbitrary('key:k', ['budget']), scopeArbitrary('tenant:t', ['budget', 'credits'])),
  inputTokens: fc.integer({ min: 0, max: 250 }),
  least: fc.integer({ min: 1, max: 120 }),
  more: fc.integer({ min: 0, max: 120 }),
  nanoUsd: fc.integer({ min: 0, max: 900 }),
  recorded: fc.boolean(),
  /** How long before it is reserved it began. */
  agoMs: fc.integer({ min: 0, max: 5_000 }),
});

const opArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('reserve' as const), call: callArbitrary }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'settle' as const,
        'extend' as const,
        'renew' as const,
        'restore' as const,
        'reserve-again' as const,
      ),
      which: fc.nat(30),
      share: fc.integer({ min: 0, max: 150 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), steps: fc.integer({ min: 0, max: 80 }) }) },
  // Into the next day, and past what is remembered of settled calls. Of orphans more is remembered than a history takes.
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), steps: fc.constant(1_200_000 / STEP_MS) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire' as const), recorded: fc.boolean() }) },
);

type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never;
type NewCall = Generated<typeof callArbitrary>;
type Op = Generated<typeof opArbitrary>;
/** Something done to a call there is. */
type Repetition = Extract<Op, { which: number }>;

/** Does one history to both, and compares what they say after each step. */
class Comparison {
  private nowMs = BEGINNING;
  private readonly calls: ReservationRequest[] = [];
  private readonly quotas: [Quota, Quota];
  private readonly group = 'tenant:t';

  constructor() {
    const settings = { leaseMs: LEASE_MS, now: () => this.nowMs };
    this.quotas = [new InMemoryQuota(settings), new RedisQuota({ ...settings, redis, epoch: () => 'e' })];
  }

  async run(op: Op): Promise<void> {
    switch (op.do) {
      case 'wait':
        this.nowMs += op.steps * STEP_MS;
        return this.ageReservations(op.steps * STEP_MS);
      case 'expire':
        return this.expire(op.recorded);
      case 'reserve':
        return this.reserve(this.newCall(op.call));
      default:
        return this.again(op);
    }
  }

  /**
   * Redis lets keys expire by its own clock, for which no time has passed. (Of the other keys only the expiry of rates
   * could be told: a bucket is full then, and the model counts how it filled by the limit of now, not of then.)
   */
  private async ageReservations(ms: number): Promise<void> {
    for (const key of await redis.keys(`${reservationPrefix(this.group)}*`)) {
      const leftMs = await redis.pttl(key);
      if (leftMs < 0) continue;
      const laterMs = Math.ceil(leftMs / STEP_MS) * STEP_MS - ms;
      if (laterMs > 0) await redis.pexpire(key, laterMs);
      else await redis.del(key);
    }
  }

  async checkBudgets(): Promise<void> {
    const scopes = this.calls.at(-1)?.scopes ?? [];
    const state = await this.both((quota) => quota.state({ group: this.group, scopes }));
    for (const { budgets } of state.scopes) {
      for (const { spentNanoUsd, heldNanoUsd } of budgets) {
        expect(Number.isSafeInteger(spentNanoUsd) && Number.isSafeInteger(heldNanoUsd)).toBe(true);
        expect(heldNanoUsd).toBeGreaterThanOrEqual(0);
      }
    }
  }

  private newCall({ scopes, inputTokens, least, more, nanoUsd, recorded, agoMs }: NewCall) {
    const call = reservation(`r${this.calls.length}`, {
      group: this.group,
      scopes,
      amounts: { inputTokens, outputTokens: { least, most: least + more }, nanoUsd },
      startedAtMs: this.nowMs - agoMs,
    });
    if (!recorded) delete call.intent;
    this.calls.push(call);
    return call;
  }

  private async reserve(call: ReservationRequest): Promise<void> {
    const reply = await this.both((quota) => quota.reserve(call));
    if (reply.outcome !== 'unprimed') return;
    for (const budget of reply.budgets) {
      expect(budget.periodStartMs).toBe(periodStartMs(budget.period, call.startedAtMs));
      await this.both((quota) => quota.prime(budget, 50));
    }
    expect((await this.both((quota) => quota.reserve(call))).outcome).not.toBe('unprimed');
  }

  private async again(op: Repetition): Promise<void> {
    const call = this.calls[op.which % Math.max(1, this.calls.length)];
    if (call === undefined) return;
    const part = (amount: number) => Math.floor((amount * op.share) / 100);
    const { inputTokens, outputTokens, nanoUsd } = call.amounts;
    const settled = settlement(call, {
      ...{ nanoUsd: part(nanoUsd), inputTokens: part(inputTokens), outputTokens: part(outputTokens.most) },
    });
    switch (op.do) {
      case 'settle':
        return void (await this.both((quota) => quota.settle(settled)));
      case 'extend':
        return void (await this.both((quota) => quota.extend(settled)));
      case 'renew':
        return void (await this.both((quota) => quota.renew(settled)));
      case 'restore':
        return this.both((quota) => quota.restore(call, { outputTokens: outputTokens.least, nanoUsd }));
      default:
        return void (await this.both((quota) => quota.reserve(call)));
    }
  }

  private async expire(recorded: boolean): Promise<void> {
    const byId = (orphans: Orphan[]) => orphans.sort((a, b) => (a.request.requestId < b.request.requestId ? -1 : 1));
    const orphans = await this.both(async (quota) => byId(await quota.expire(this.group)));
    if (!recorded) return;
    for (const { request } of orphans) await this.both((quota) => quota.orphanRecorded(this.group, request.requestId));
  }

  private async both<T>(ask: (quota: Quota) => Promise<T>): Promise<T> {
    const [model, script] = [await ask(this.quotas[0]), await ask(this.quotas[1])];
    expect(script).toEqual(model);
    return model;
  }
}

test('scripts and model agree on random histories, reply by reply', async () => {
  const history = fc.array(opArbitrary, { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(history, async (ops) => {
      await redis.flushall();
      const comparison = new Comparison();
      for (const op of ops) {
        await comparison.run(op);
        await comparison.checkBudgets();
      }
    }),
    { numRuns: 300 },
  );
});
