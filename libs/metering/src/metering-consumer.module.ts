import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Bus, HealthCheck } from '@switchboard/contracts';
import { createPool, type Logger, type Metrics, type Pool, type Sealer, type SpanSink } from '@switchboard/platform';
import { createSpendingPool } from './adapters/spending-sums';
import { CallConsumer } from './calls/call-consumer';
import { JOBS_HEALTH, METERING_HEALTH, usageBacklog } from './client';
import { BullmqJobs } from './jobs/adapters/bullmq-jobs';
import { createJobPool } from './jobs/job-pool';
import { meteringJobs } from './jobs/jobs';
import { LedgerGauges } from './ledger-gauges';
import { createResponsePool, ResponseRows } from './responses/adapters/response-rows';
import { ResponseConsumer } from './responses/response-consumer';
import { ResponseService } from './responses/response-service';
import { SchemaPreparation } from './schema-preparation';
import { SpendingService } from './spending-service';
import { TenantCosts } from './tenant-costs';
import { UsageConsumer } from './usage-consumer';

export interface MeteringConsumerOptions {
  bus: Bus;
  databaseUrl: string;
  /** Of usage; undefined: all are kept. */
  retentionMonths?: number | undefined;
  /** Of the recurring jobs. Absent: they are left to other replicas. */
  redisUrl?: string;
  /** How long the calls of tenants are kept that do not say it; default 30. */
  callLogRetentionDays?: number;
  /** Whole days; default 30. */
  responsesRetentionDays?: number;
  /** Of how many tenants, the dearest of the day, the metrics tell; default 0. */
  tenantCostTop?: number;
  /** Opens the secrets of webhooks, for the jobs. */
  sealer?: Pick<Sealer, 'open'>;
  log: Logger;
  metrics: Metrics;
  /** Of traced calls. Absent: nothing is traced. */
  spans?: SpanSink | undefined;
}

interface Consumption {
  pool: Pool;
  spendingPool: Pool;
  schema: SchemaPreparation;
  consumer: UsageConsumer;
  calls: CallConsumer;
  responses: ResponseConsumer;
  responsePool: Pool;
  responseService: ResponseService;
  spending: SpendingService;
  jobs: BullmqJobs | undefined;
  jobPool: Pool;
  gauges: LedgerGauges;
  tenantCosts: TenantCosts;
}

const CONSUMPTION = Symbol('CONSUMPTION');
/** Less than a service may take to stop: a statement that hangs does not make the stop a kill. */
const QUERY_TIMEOUT_MS = 15_000;

/**
 * Stores the usage stream, the call log and responses, and answers what was spent and what responses hold, once the database
 * has this release's schema, which is brought about here, and does the recurring jobs. Provides METERING_HEALTH and, with Redis, JOBS_HEALTH. At shutdown the
 * batches in hand are stored and acknowledged.
 */
@Module({})
export class MeteringConsumerModule
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(@Inject(CONSUMPTION) private readonly consumption: Consumption) {}

  static forRoot(options: MeteringConsumerOptions): DynamicModule {
    const jobsHealth = {
      provide: JOBS_HEALTH,
      useFactory: ({ jobs }: Consumption) => jobs?.health,
      inject: [CONSUMPTION],
    };
    const withJobs = options.redisUrl !== undefined;
    return {
      module: MeteringConsumerModule,
      global: true,
      providers: [
        { provide: CONSUMPTION, useFactory: () => createConsumption(options) },
        { provide: METERING_HEALTH, useFactory: healthOf, inject: [CONSUMPTION] },
        ...(withJobs ? [jobsHealth] : []),
      ],
      exports: [METERING_HEALTH, ...(withJobs ? [JOBS_HEALTH] : [])],
    };
  }

  /** Not waited for: the process tells of itself, and what it lacks, while the database is away. */
  onApplicationBootstrap(): void {
    const { schema, consumer, calls, responses, responseService, spending, jobs } = this.consumption;
    const { gauges, tenantCosts } = this.consumption;
    void schema.run().then(() => {
      consumer.start();
      calls.start();
      responses.start();
      responseService.start();
      spending.start();
      jobs?.start();
      gauges.start();
      tenantCosts.start();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { schema, gauges, tenantCosts, jobs } = this.consumption;
    const { consumer, calls, responses, responseService, spending } = this.consumption;
    schema.stop();
    gauges.stop();
    tenantCosts.stop();
    const serving = [consumer, calls, responses, responseService, spending];
    await Promise.all([...serving.map((each) => each.stop()), jobs?.stop()]);
  }

  async onApplicationShutdown(): Promise<void> {
    const { pool, spendingPool, responsePool, jobPool } = this.consumption;
    await Promise.all([pool, spendingPool, responsePool, jobPool].map((each) => each.end()));
  }
}

function createConsumption(options: MeteringConsumerOptions): Consumption {
  const { bus, databaseUrl, redisUrl, callLogRetentionDays, retentionMonths, sealer, log, metrics } = options;
  const { responsesRetentionDays: retentionDays } = options;
  // Batches of each stream are one at a time; the third connection answers health checks.
  const pool = createPool({ url: databaseUrl, log, connectionsMax: 3, queryTimeoutMs: QUERY_TIMEOUT_MS });
  const spendingPool = createSpendingPool({ url: databaseUrl, log });
  const responsePool = createResponsePool({ url: databaseUrl, log });
  const rows = new ResponseRows({ pool: responsePool, retentionDays });
  const jobPool = createJobPool({ url: databaseUrl, log });
  const jobs = meteringJobs({
    ...{ pool: jobPool, databaseUrl, callLogRetentionDays, retentionMonths, sealer, log, metrics },
    stream: async () => ({ ...(await usageBacklog({ bus })) }),
  });
  return {
    pool,
    spendingPool,
    jobPool,
    gauges: new LedgerGauges({ pool, metrics }),
    tenantCosts: new TenantCosts({ pool, metrics, top: options.tenantCostTop ?? 0 }),
    jobs: redisUrl === undefined ? undefined : new BullmqJobs({ redisUrl, jobs, log, metrics }),
    schema: new SchemaPreparation({ url: databaseUrl, log, metrics }),
    consumer: new UsageConsumer({ bus, pool, log, metrics, spans: options.spans }),
    calls: new CallConsumer({ bus, pool, log, metrics }),
    responsePool,
    responses: new ResponseConsumer({ bus, pool: responsePool, rows, log, metrics }),
    responseService: new ResponseService({ bus, rows }),
    spending: new SpendingService({ bus, pool: spendingPool }),
  };
}

function healthOf({ pool, schema }: Consumption): HealthCheck {
  return {
    name: 'postgres',
    required: true,
    check: async () => {
      schema.check();
      await pool.query('SELECT 1');
    },
  };
}
