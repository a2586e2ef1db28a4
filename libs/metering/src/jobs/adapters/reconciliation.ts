import type { ReconciliationRecord } from '@switchboard/contracts';
import type { Logger, Pool } from '@switchboard/platform';
import { auditLedger } from '../../adapters/ledger-audit';
import { keepReconciliation, lastReconciliation } from '../../adapters/reconciliation-log';
import type { Job } from '../job';

export interface ReconciliationParts {
  pool: Pool;
  databaseUrl: string;
  log: Logger;
  /** What is not stored yet; rejects where it cannot be told. */
  stream: () => Promise<NonNullable<ReconciliationRecord['stream']>>;
}

const HOUR_MS = 3_600_000;
/** Looked at each hour, so that a day never passes without one, whenever processes start or fail. */
const DUE_AFTER_MS = 23 * HOUR_MS;

/**
 * Once a day: the whole ledger computed anew, in one snapshot, and what was on its way to it at that time. What is found is
 * kept; what does not agree is told as an error, too.
 */
export function reconciliation(parts: ReconciliationParts): Job {
  return {
    name: 'reconciliation',
    everyMs: HOUR_MS,
    run: async (signal) => {
      const last = await lastReconciliation(parts.pool);
      if (last === undefined || Date.now() - last.finishedAtMs >= DUE_AFTER_MS) await reconcile(parts, signal);
    },
  };
}

async function reconcile({ pool, databaseUrl, log, stream }: ReconciliationParts, signal: AbortSignal): Promise<void> {
  const startedAtMs = Date.now();
  // Before the snapshot: what was stored by then is in it. The bus tells of its own absence.
  const waiting = await stream().catch(() => undefined);
  const { counts, breaches, breachCount } = await auditLedger({ url: databaseUrl, log, signal });
  const record = {
    ...{ startedAtMs, finishedAtMs: Date.now(), balanced: breachCount === 0 },
    ...{ differenceCount: breachCount, differences: breaches, counts: { ...counts } },
    ...(waiting !== undefined && { stream: waiting }),
  };
  const facts = { counts, stream: waiting, tookMs: record.finishedAtMs - startedAtMs };
  if (record.balanced) log.info(facts, 'the ledger is balanced');
  else {
    log.error({ ...facts, differences: breaches, differenceCount: breachCount }, 'the ledger is not balanced');
  }
  await keepReconciliation(pool, record);
}
