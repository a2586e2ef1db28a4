import {
  type ExtensionRequest,
  type KeepingOutcome,
  periodStartMs,
  type RateStateRequestV2,
  type ReservationRequest,
  reservedScopes,
  type ScopeBounds,
  type ScopeBudget,
  type Settlement,
} from '@switchboard/contracts';
import type { Redis } from 'ioredis';
import {
  type Held,
  type Orphan,
  ORPHAN_CLAIM_MS,
  ORPHAN_TTL_MS,
  type Quota,
  type QuotaSettings,
  type Reserved,
  SETTLED_TTL_MS,
  type UnknownSpending,
} from '../core/quota';
import { rateLimits, RATES } from '../core/rates';
import { redisKeys, reservationPrefix, reservedKeys, scopeKeys } from './redis-keys';
import { RedisScript } from './redis-script';
import { readExtension, readReservation, readScopeStates } from './script-replies';
import { EXPIRE, EXTEND, RENEW, SETTLE } from './scripts/keeping.lua';
import { RESERVE } from './scripts/reserve.lua';
import { PRIME, RESTORE, STATE } from './scripts/restoring.lua';

const PERIODS: Record<ScopeBudget['period'], number> = { total: 0, day: 1, week: 2, month: 3 };
/** Orphans of one group in one go. */
const ORPHANS_MAX = 100;
/** So often a group is put among those that are looked through for orphans, lest it fell out. */
const INDEX_EVERY_MS = 60_000;

export interface RedisQuotaOptions extends QuotaSettings {
  redis: Redis;
  /** What was spent is known only as long as this stays the same: it changes with every start of the server. */
  epoch: () => string;
}

/** Shared by all replicas: one atomic script per operation. */
export class RedisQuota implements Quota {
  private readonly scripts;
  /** When each group was last put among the groups, in the life of the server called `indexEpoch`. */
  private readonly indexed = new Map<string, number>();
  private indexEpoch = '';

  constructor(private readonly options: RedisQuotaOptions) {
    const { redis } = options;
    this.scripts = {
      reserve: new RedisScript(redis, RESERVE),
      settle: new RedisScript(redis, SETTLE),
      extend: new RedisScript(redis, EXTEND),
      renew: new RedisScript(redis, RENEW),
      expire: new RedisScript(redis, EXPIRE),
      restore: new RedisScript(redis, RESTORE),
      prime: new RedisScript(redis, PRIME),
      state: new RedisScript(redis, STATE),
    };
  }

  async reserve(request: ReservationRequest) {
    const { amounts, scopes } = request;
    await this.index(request.group);
    const reply = await this.scripts.reserve.run(reservedKeys(reservedOf(request)), [
      ...this.recordArguments(request),
      ...[amounts.outputTokens.least, amounts.outputTokens.most, amounts.nanoUsd],
      ...numbersOf(scopes, request.startedAtMs),
    ]);
    return readReservation(request, spendingOf(request), reply as number[]);
  }

  async extend(request: ExtensionRequest) {
    const reply = await this.scripts.extend.run(reservedKeys(request), [...this.head(request), request.nanoUsd]);
    return readExtension(request.scopes, reply as [string]);
  }

  async settle(settlement: Settlement): Promise<KeepingOutcome> {
    const { nanoUsd, inputTokens, outputTokens } = settlement;
    const spent = [nanoUsd, inputTokens, outputTokens, SETTLED_TTL_MS];
    return (await this.scripts.settle.run(reservedKeys(settlement), [
      ...this.head(settlement),
      ...spent,
    ])) as KeepingOutcome;
  }

  async renew(reserved: Reserved): Promise<KeepingOutcome> {
    const times = [this.options.leaseMs, ORPHAN_TTL_MS];
    return (await this.scripts.renew.run(reservedKeys(reserved), [...this.head(reserved), ...times])) as KeepingOutcome;
  }

  async restore(request: ReservationRequest, { outputTokens, nanoUsd }: Held): Promise<void> {
    await this.index(request.group);
    await this.scripts.restore.run(reservedKeys(reservedOf(request)), [
      ...this.recordArguments(request),
      ...[outputTokens, nanoUsd],
      ...numbersOf(request.scopes, request.startedAtMs),
    ]);
  }

  async state({ group, scopes }: RateStateRequestV2) {
    if (scopes.length === 0) return { scopes: [] };
    const nowMs = this.options.now?.() ?? Date.now();
    const keys = scopeKeys(group, reservedScopes(scopes));
    const reply = await this.scripts.state.run(keys, [this.clock(), this.options.epoch(), ...numbersOf(scopes, nowMs)]);
    return { scopes: readScopeStates(scopes, reply as number[]) };
  }

  async prime(budget: UnknownSpending, spentNanoUsd: number): Promise<void> {
    const keys = [redisKeys.money(budget), redisKeys.leases(budget.group)];
    const money = [this.options.epoch(), PERIODS[budget.period], budget.periodStartMs, spentNanoUsd];
    await this.scripts.prime.run(keys, [
      ...money,
      budgetLine(budget.scope, budget.id),
      reservationPrefix(budget.group),
    ]);
  }

  async expire(group: string): Promise<Orphan[]> {
    const { redis } = this.options;
    const nowMs = this.options.now?.() ?? Date.now();
    const [leases, orphans] = [redisKeys.leases(group), redisKeys.orphans(group)];
    const due = await redis.zrangebyscore(leases, '-inf', nowMs, 'LIMIT', 0, ORPHANS_MAX);
    const left = await redis.zrangebyscore(orphans, '-inf', nowMs - ORPHAN_CLAIM_MS, 'LIMIT', 0, ORPHANS_MAX);
    const taken = [
      ...(await Promise.all(due.map((requestId) => this.orphan(group, requestId)))),
      ...(await Promise.all(left.map((requestId) => this.reclaim(group, requestId, nowMs)))),
    ];
    return taken.filter((orphan) => orphan !== undefined);
  }

  async orphanRecorded(group: string, requestId: string): Promise<void> {
    await this.options.redis.zrem(redisKeys.orphans(group), requestId);
  }

  async groups(): Promise<string[]> {
    return this.options.redis.smembers(redisKeys.groups);
  }

  /** Before the first reservation: one that is not found is never made an orphan. */
  private async index(group: string): Promise<void> {
    const epoch = this.options.epoch();
    if (epoch !== this.indexEpoch) this.indexed.clear();
    this.indexEpoch = epoch;
    const nowMs = performance.now();
    if (nowMs - (this.indexed.get(group) ?? -Infinity) < INDEX_EVERY_MS) return;
    await this.options.redis.sadd(redisKeys.groups, group);
    this.indexed.set(group, nowMs);
  }

  private async orphan(group: string, requestId: string): Promise<Orphan | undefined> {
    const json = await this.options.redis.hget(redisKeys.reservation(group, requestId), 'json');
    if (json === null) {
      await this.options.redis.zrem(redisKeys.leases(group), requestId);
      return undefined;
    }
    const request = JSON.parse(json) as ReservationRequest;
    const reserved = reservedOf(request);
    const recorded = [request.intent === undefined ? 0 : 1, SETTLED_TTL_MS];
    const reply = await this.scripts.expire.run(reservedKeys(reserved), [...this.head(reserved), ...recorded]);
    const [outputTokens, nanoUsd] = reply as number[];
    return outputTokens === undefined || nanoUsd === undefined
      ? undefined
      : { request, held: { outputTokens, nanoUsd } };
  }

  /** Two replicas may take the same one again: it is recorded by its request id, once. */
  private async reclaim(group: string, requestId: string, nowMs: number): Promise<Orphan | undefined> {
    const { redis } = this.options;
    const [json, output, usd] = await redis.hmget(redisKeys.reservation(group, requestId), 'json', 'output', 'usd');
    if (json === null || json === undefined) {
      await redis.zrem(redisKeys.orphans(group), requestId);
      return undefined;
    }
    await redis.zadd(redisKeys.orphans(group), 'XX', nowMs, requestId);
    const held = { outputTokens: Number(output), nanoUsd: Number(usd) };
    return { request: JSON.parse(json) as ReservationRequest, held };
  }

  private clock(): number | '' {
    return this.options.now?.() ?? '';
  }

  private head({ requestId }: { requestId: string }): (string | number)[] {
    return [this.clock(), this.options.epoch(), requestId];
  }

  private recordArguments(request: ReservationRequest): (string | number)[] {
    const lines = request.scopes.flatMap(({ scope, budgets }) => budgets.map(({ id }) => budgetLine(scope, id)));
    return [
      ...[this.clock(), this.options.epoch(), this.options.leaseMs, ORPHAN_TTL_MS, request.requestId],
      ...[JSON.stringify(request), lines.join('\n'), request.startedAtMs, request.amounts.inputTokens],
    ];
  }
}

function numbersOf(scopes: readonly ScopeBounds[], atMs: number): number[] {
  return scopes.flatMap(({ limits, budgets }) => {
    const perMinute = rateLimits(limits);
    return [
      ...RATES.map((rate) => perMinute[rate] ?? -1),
      ...[limits.concurrency ?? -1, budgets.length],
      ...budgets.flatMap(({ nanoUsd, period }) => [nanoUsd, PERIODS[period], periodStartMs(period, atMs)]),
    ];
  });
}

function spendingOf({ group, scopes, startedAtMs }: ReservationRequest): UnknownSpending[] {
  return scopes.flatMap(({ scope, budgets }) =>
    budgets.map(({ id, period }) => ({
      ...{ group, scope, id, period },
      periodStartMs: periodStartMs(period, startedAtMs),
    })),
  );
}

function reservedOf({ requestId, group, scopes }: ReservationRequest): Reserved {
  return { requestId, group, scopes: reservedScopes(scopes) };
}

function budgetLine(scope: string, id: ScopeBudget['id']): string {
  return `${id} ${scope}`;
}
