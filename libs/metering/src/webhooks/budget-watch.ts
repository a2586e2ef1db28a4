import type { Logger, Pool, PoolClient } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import { forgetGone, note, type SeenBudget, spentBefore, takeDue, watchNew } from './adapters/budget-watches';
import { storeNotices } from './adapters/event-outbox';
import { inTransaction } from '../adapters/transaction';
import { type Notice, periodStarted, thresholdReached } from './core/budget-notice';
import { isRenewed, progressOf } from './core/budget-progress';
import type { WebhookMetrics } from './webhook-metrics';

/** Budgets in one transaction. */
const BATCH = 200;

export interface BudgetWatchOptions {
  pool: Pool;
  log: Logger;
  metrics: WebhookMetrics;
  nowMs?: () => number;
}

/**
 * Looks at all budgets, and stores an event for each threshold that was reached and each period that began. Each is stored
 * once, whoever looks: a budget is held while it is looked at, and what it is about is the event's key.
 */
export class BudgetWatch {
  constructor(private readonly options: BudgetWatchOptions) {}

  async run(signal: AbortSignal): Promise<void> {
    const { pool, log, metrics, nowMs = Date.now } = this.options;
    const startedAtMs = nowMs();
    await watchNew(pool, startedAtMs);
    while (!signal.aborted) {
      const { looked, told } = await inTransaction(pool, (client) => this.look(client, startedAtMs));
      for (const { type } of told) metrics.events.inc({ type });
      if (told.length > 0) log.info({ events: told.length }, 'budgets have news for webhooks');
      if (looked < BATCH) break;
    }
    if (!signal.aborted) await forgetGone(pool, startedAtMs);
  }

  private async look(client: PoolClient, nowMs: number): Promise<{ looked: number; told: Notice[] }> {
    const due = await takeDue(client, nowMs, BATCH);
    const notices: Notice[] = [];
    const seen: SeenBudget[] = [];
    for (const each of due) {
      const { reached, crossed } = progressOf(each.before, each.now);
      const stamp = () => ({ id: `evt_${uuidv7()}`, nowMs });
      if (isRenewed(each.before, each.now)) {
        const previous = { ...each.before, spentNanoUsd: await spentBefore(client, each) };
        if (previous.spentNanoUsd > 0n) notices.push(periodStarted(each, each.now, previous, stamp()));
      }
      notices.push(...crossed.map((percent) => thresholdReached(each, each.now, percent, stamp())));
      seen.push({ owner: each, now: { ...each.now, reached } });
    }
    if (seen.length > 0) await note(client, seen, nowMs);
    return { looked: due.length, told: await storeNotices(client, notices, nowMs) };
  }
}
