import type { ReconciliationRecord } from '@switchboard/contracts';
import type { Logger, Metrics, Pool, Sealer } from '@switchboard/platform';
import { callLogRetention } from './adapters/call-log-retention';
import { reconciliation } from './adapters/reconciliation';
import { responseRetention } from './adapters/response-retention';
import { rollupRepair } from './adapters/rollup-repair';
import { exportJob } from './exports';
import type { Job } from './job';
import { partitionMaintenance } from './usage-partitions';
import { webhookJobs } from './webhooks';

/** What the recurring jobs of metering work with. */
export interface JobParts {
  /** See `createJobPool`. */
  pool: Pool;
  databaseUrl: string;
  log: Logger;
  metrics: Metrics;
  /** Of tenants that have no retention of their own; default 30. */
  callLogRetentionDays?: number | undefined;
  /** Opens the secrets of webhooks. Absent: nobody is told of budgets by this process. */
  sealer: Pick<Sealer, 'open'> | undefined;
  /** Of usage; undefined: all are kept. */
  retentionMonths?: number | undefined;
  /** What is on its way and not stored yet; rejects where it cannot be told. */
  stream: () => Promise<NonNullable<ReconciliationRecord['stream']>>;
}

/** All of them. A name stays what it is: it is a queue in Redis, and a label. */
export function meteringJobs(parts: JobParts): Job[] {
  const { sealer, ...rest } = parts;
  return [
    rollupRepair(parts),
    reconciliation(parts),
    callLogRetention({ ...parts, defaultDays: parts.callLogRetentionDays }),
    responseRetention(parts),
    ...(sealer === undefined ? [] : webhookJobs({ ...rest, sealer })),
    exportJob(parts),
    partitionMaintenance(parts),
  ];
}
