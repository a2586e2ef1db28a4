import {
  type CallQueries,
  type HealthCheck,
  type Ledger,
  parseUsageBatch,
  type Reconciliations,
  type RefusedUsage,
  type UsageQueries,
} from '@switchboard/contracts';
import {
  createPool,
  createPrismaClient,
  type Logger,
  type Metrics,
  type Pool,
  type Sealer,
  type SpanSink,
  type TenantSealer,
} from '@switchboard/platform';
import { ReconciliationLog } from './adapters/reconciliation-log';
import { DeadLetters, type TakeIn } from './adapters/dead-letters';
import { createSpendingPool, SpendingSums } from './adapters/spending-sums';
import { registerUsageMetrics } from './adapters/usage-metrics';
import { PostgresUsageQueries } from './adapters/usage-queries';
import { UsageStore } from './adapters/usage-store';
import { PostgresCallQueries } from './calls/adapters/call-queries';
import type { BufferedCallLog } from './calls/call-intake';
import { createCallStore } from './calls/call-store';
import { createJobPool } from './jobs/job-pool';
import { meteringJobs } from './jobs/jobs';
import { LocalJobs } from './jobs/local-jobs';
import { LedgerGauges } from './ledger-gauges';
import { createLocalLedger } from './local-ledger';
import { createResponsePool, ResponseRows } from './responses/adapters/response-rows';
import { ResponseArchive } from './responses/response-archive';
import type { UsageSpool } from './spool/usage-spool';

const DRAIN_TIMEOUT_MS = 10_000;

export interface MeteringOptions {
  /** A database that has this release's schema (see `migrate`). */
  databaseUrl: string;
  logger: Logger;
  metrics: Metrics;
  /** How long the calls of tenants are kept that do not say it; default 30. */
  callLogRetentionDays?: number;
  /** Seals responses that are stored. Absent: none is. */
  tenantSealer?: TenantSealer;
  /** Of stored responses, whole days; default 30. */
  responsesRetentionDays?: number;
  /** How long a shutdown may wait for the database to take the last records. */
  drainTimeoutMs?: number;
  /** Opens the secrets of webhooks. Absent: nobody is told of budgets by this process. */
  sealer?: Pick<Sealer, 'open'>;
  /** Keeps on disk what is not stored yet; closed with metering. */
  spool?: UsageSpool | undefined;
  /** Of usage; undefined: all are kept. */
  retentionMonths?: number | undefined;
  /** Of traced calls. Absent: nothing is traced. */
  spans?: SpanSink | undefined;
}

export interface OpenUsageQueries {
  queries: UsageQueries;
  calls: CallQueries;
  /** Over the same connections; what is replayed goes where it is told. */
  refused(takeIn: TakeIn): RefusedUsage;
  reconciliations: Reconciliations;
  health: HealthCheck;
  close(): Promise<void>;
}

/** Metering over one database, without Nest: what the module provides, and what a command-line tool uses. */
export interface Metering {
  store: UsageStore;
  queries: UsageQueries;
  callLog: BufferedCallLog;
  calls: CallQueries;
  responses: ResponseArchive | undefined;
  refused: RefusedUsage;
  reconciliations: Reconciliations;
  /** Over `store`: what was recorded before the question is in the answer. */
  ledger: Ledger;
  health: HealthCheck;
  /** Begins the recurring jobs; a tool that only stores or reads has no use for them. */
  start(): void;
  /** Writes what waits, within the drain timeout, then disconnects. */
  close(): Promise<void>;
}

/** Opens no connection yet: the first query does. */
export function openUsageQueries(databaseUrl: string, logger: Logger): OpenUsageQueries {
  const prisma = createPrismaClient(databaseUrl, logger);
  const health: HealthCheck = {
    name: 'postgres',
    required: true,
    check: async () => {
      await prisma.$queryRaw`SELECT 1`;
    },
  };
  return {
    queries: new PostgresUsageQueries(prisma),
    calls: new PostgresCallQueries(prisma),
    refused: (takeIn) => new DeadLetters(prisma, takeIn),
    reconciliations: new ReconciliationLog(prisma),
    health,
    close: () => prisma.$disconnect(),
  };
}

/** Opens no connection yet: the first write or query does. */
export function createMetering(options: MeteringOptions): Metering {
  const { databaseUrl, logger, metrics, callLogRetentionDays, retentionMonths, drainTimeoutMs, spool, sealer } =
    options;
  // Writes of usage are one at a time, and so are those of the call log; the third connection answers health checks.
  const pool = createPool({ url: databaseUrl, log: logger, connectionsMax: 3 });
  const spendingPool = createSpendingPool({ url: databaseUrl, log: logger });
  const { queries, calls, refused, reconciliations, close: closeQueries } = openUsageQueries(databaseUrl, logger);
  const usageMetrics = registerUsageMetrics(metrics, () => store.buffered);
  const store: UsageStore = new UsageStore({ pool, log: logger, metrics: usageMetrics, spool, spans: options.spans });
  const callLog = createCallStore({ pool, log: logger, metrics });
  const responses = openResponses(options);
  const ledger = createLocalLedger(store, new SpendingSums(spendingPool));
  const health: HealthCheck = {
    name: 'postgres',
    // Records wait in memory while it is away: no reason to refuse traffic.
    required: false,
    check: async () => {
      await pool.query('SELECT 1');
    },
  };
  const jobPool = createJobPool({ url: databaseUrl, log: logger });
  const stream = () => Promise.resolve({ buffered: store.buffered, spooled: spool?.open ?? 0 });
  const jobs = new LocalJobs({
    jobs: meteringJobs({
      ...{ pool: jobPool, databaseUrl, callLogRetentionDays, retentionMonths, log: logger, metrics, sealer, stream },
    }),
    ...{ log: logger, metrics },
  });
  const gauges = new LedgerGauges({ pool, metrics });
  const start = (): void => {
    jobs.start();
    gauges.start();
  };
  const close = async (): Promise<void> => {
    gauges.stop();
    const stopped = jobs.stop();
    const timeoutMs = drainTimeoutMs ?? DRAIN_TIMEOUT_MS;
    await Promise.all([store.drain(timeoutMs), callLog.drain(timeoutMs), responses?.archive.drain(timeoutMs)]);
    await Promise.all([store.close(), callLog.close(), responses?.archive.close(), stopped]);
    await Promise.all([pool.end(), spendingPool.end(), responses?.pool.end(), jobPool.end(), closeQueries()]);
  };
  return {
    ...{ store, queries, callLog, calls, refused: refused(intoStore(store)), reconciliations, ledger, health },
    ...{ responses: responses?.archive, start, close },
  };
}

function openResponses(options: MeteringOptions): { archive: ResponseArchive; pool: Pool } | undefined {
  const { databaseUrl, logger: log, metrics, tenantSealer: sealer, responsesRetentionDays: retentionDays } = options;
  if (sealer === undefined) return undefined;
  const pool = createResponsePool({ url: databaseUrl, log });
  return {
    archive: new ResponseArchive({ parts: new ResponseRows({ pool, retentionDays }), sealer, log, metrics }),
    pool,
  };
}

/** Without a stream in between: what can be read is stored next. */
function intoStore(store: UsageStore): TakeIn {
  return (payload) => {
    for (const event of parseUsageBatch(payload).events) store.record(event);
    return Promise.resolve();
  };
}
