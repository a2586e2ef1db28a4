import { type Budget, periodEndMs, periodStartMs } from '@switchboard/contracts';
import type { Pool, PoolClient } from '@switchboard/platform';
import type { BudgetOwner } from '../core/budget-notice';
import type { BudgetState, WatchedBudget } from '../core/budget-progress';
import { FORGET, NOTE, SPENT, TAKE_DUE, WATCH_NEW } from './budget-watches-sql';

/** A budget that is due to be looked at, held by the transaction that took it. */
export interface DueBudget extends BudgetOwner {
  keyId: string | null;
  before: WatchedBudget;
  now: BudgetState;
}

interface DueRow extends Pick<BudgetOwner, 'scope' | 'budget' | 'owner' | 'id' | 'name'> {
  tenant_id: string;
  key_id: string | null;
  period: Budget['period'];
  period_start: Date;
  nano_usd: string;
  before_period: Budget['period'];
  before_start: Date;
  before_nano_usd: string;
  before_spent: string;
  reached: number[];
}

const HOUR_MS = 3_600_000;
/** Calls are stored when they end, by the hour they began in. */
const CALL_MS = HOUR_MS;
/** What is stored later than that is seen by then. */
const LOOK_MS = 10 * 60_000;
const GONE_MS = HOUR_MS;

/** Takes up budgets there was no word of yet. */
export async function watchNew(pool: Pool, nowMs: number): Promise<void> {
  await pool.query(WATCH_NEW, periodStarts(nowMs));
}

/** Forgets budgets that are no more, when all others were looked at. */
export async function forgetGone(pool: Pool, nowMs: number): Promise<void> {
  await pool.query(FORGET, [new Date(nowMs - GONE_MS)]);
}

/**
 * Budgets with calls of late, with other terms than before, or not looked at for ten minutes; not those looked at since
 * `nowMs`. With what is spent by now.
 */
export async function takeDue(client: PoolClient, nowMs: number, limit: number): Promise<DueBudget[]> {
  const activeFrom = new Date(Math.floor((nowMs - CALL_MS) / HOUR_MS) * HOUR_MS);
  const times = [new Date(nowMs), new Date(nowMs - LOOK_MS), activeFrom];
  const { rows } = await client.query<DueRow>(TAKE_DUE, [...periodStarts(nowMs), ...times, limit]);
  if (rows.length === 0) return [];
  // Read after they are held: nobody else has told of what is in it.
  const spent = await spentIn(
    client,
    rows.map((row) => ({ tenantId: row.tenant_id, keyId: row.key_id, fromMs: row.period_start.getTime() })),
  );
  return rows.map((row, index) => dueOf(row, spent[index] ?? 0n));
}

/** All that was spent in the period that a budget was last seen in. */
export async function spentBefore(client: PoolClient, { tenantId, keyId, before }: DueBudget): Promise<bigint> {
  const fromMs = before.periodStartMs;
  const [spent = 0n] = await spentIn(client, [{ tenantId, keyId, fromMs, toMs: periodEndMs(before.period, fromMs) }]);
  return spent;
}

export interface SeenBudget {
  owner: Pick<BudgetOwner, 'scope' | 'budget'>;
  now: WatchedBudget;
}

export async function note(client: PoolClient, seen: readonly SeenBudget[], nowMs: number): Promise<void> {
  await client.query(NOTE, [
    seen.map(({ owner }) => owner.scope),
    seen.map(({ owner }) => owner.budget),
    seen.map(({ now }) => now.period),
    seen.map(({ now }) => new Date(now.periodStartMs)),
    seen.map(({ now }) => String(now.budgetNanoUsd)),
    seen.map(({ now }) => String(now.spentNanoUsd)),
    seen.map(({ now }) => `{${now.reached.join(',')}}`),
    new Date(nowMs),
  ]);
}

interface Span {
  tenantId: string;
  keyId: string | null;
  fromMs: number;
  toMs?: number | undefined;
}

async function spentIn(client: PoolClient, spans: readonly Span[]): Promise<bigint[]> {
  const { rows } = await client.query<{ spent: string }>(SPENT, [
    spans.map(({ tenantId }) => tenantId),
    spans.map(({ keyId }) => keyId),
    spans.map(({ fromMs }) => new Date(fromMs)),
    spans.map(({ toMs }) => (toMs === undefined ? null : new Date(toMs))),
  ]);
  return rows.map(({ spent }) => BigInt(spent));
}

function periodStarts(nowMs: number): number[] {
  return (['day', 'week', 'month'] as const).map((period) => periodStartMs(period, nowMs));
}

function dueOf(row: DueRow, spentNanoUsd: bigint): DueBudget {
  const { scope, budget, owner, id, name, tenant_id: tenantId, key_id: keyId } = row;
  return {
    ...{ scope, budget, owner, id, name, tenantId, keyId },
    before: {
      ...{ period: row.before_period, periodStartMs: row.before_start.getTime(), reached: row.reached },
      ...{ budgetNanoUsd: BigInt(row.before_nano_usd), spentNanoUsd: BigInt(row.before_spent) },
    },
    now: {
      ...{ period: row.period, periodStartMs: row.period_start.getTime() },
      ...{ budgetNanoUsd: BigInt(row.nano_usd), spentNanoUsd },
    },
  };
}
