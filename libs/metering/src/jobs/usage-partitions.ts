import type { Logger, Metrics, Pool } from '@switchboard/platform';
import { addMonth, dropPartition, partitionsBefore, partitionState } from '../adapters/usage-partitions';
import { monthAt } from '../core/month';
import type { Job } from './job';

export interface PartitionMaintenanceOptions {
  pool: Pool;
  log: Logger;
  metrics: Metrics;
  /** Whole months kept beside the one under way; undefined: all. Less than 3 may take a call's row before its correction. */
  retentionMonths?: number | undefined;
  /** Milliseconds since the epoch; the clock, where not given. */
  nowMs?: () => number;
}

const HOUR_MS = 3_600_000;
const MONTHS_AHEAD = 3;

/**
 * Partitions of `usage`: makes those of this month and the next three, and drops those that hold only what is older than
 * `retentionMonths`, after their part of the books is summed up. One process at a time; the others find nothing to do.
 */
export function partitionMaintenance(options: PartitionMaintenanceOptions): Job {
  const gauges = registerGauges(options.metrics);
  return {
    name: 'usage-partitions',
    everyMs: HOUR_MS,
    run: async (signal) => {
      const faults: string[] = [];
      const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
        if (signal.aborted) return;
        await work().catch((error: unknown) => {
          faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
        });
      };
      await addAhead(options, attempt);
      await dropExpired(options, attempt, signal);
      await attempt('cannot look at the partitions of usage', async () => {
        const { defaultRows, oldestMs } = await partitionState(options.pool);
        gauges.defaultRows.set(defaultRows);
        gauges.oldest.set(oldestMs === null ? NaN : oldestMs / 1_000);
      });
      if (faults.length > 0) throw new Error(faults.join('; '));
    },
  };
}

type Attempt = (what: string, work: () => Promise<void>) => Promise<void>;

async function addAhead({ pool, log, nowMs = Date.now }: PartitionMaintenanceOptions, attempt: Attempt): Promise<void> {
  for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
    const month = monthAt(nowMs(), ahead);
    await attempt(`cannot make the partition of usage for ${month}`, async () => {
      const outcome = await addMonth(pool, month);
      if (outcome === 'added') log.info({ month }, 'made a partition of usage');
      if (outcome !== 'in default') return;
      log.warn({ month }, 'usage of this month is in the default partition and stays there: it gets no partition');
    });
  }
}

async function dropExpired(
  { pool, log, retentionMonths, nowMs = Date.now }: PartitionMaintenanceOptions,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<void> {
  if (retentionMonths === undefined) return;
  await attempt('cannot drop usage', async () => {
    for (const name of await partitionsBefore(pool, monthAt(nowMs(), -retentionMonths))) {
      await attempt(`cannot drop ${name}`, async () => {
        const rows = await dropPartition(pool, name, signal);
        if (rows !== undefined) log.info({ partition: name, rows }, 'dropped usage that is older than is kept');
      });
    }
  });
}

function registerGauges(metrics: Metrics) {
  return {
    defaultRows: metrics.gauge({
      name: 'usage_default_partition_rows',
      help: 'Rows of usage whose request id tells no month, or one without a partition. Retention never drops them.',
    }),
    oldest: metrics.gauge({
      name: 'usage_oldest_seconds',
      help: 'When the oldest call that is kept began, in Unix time; NaN where there is none.',
    }),
  };
}
