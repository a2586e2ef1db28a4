import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Bus, HealthCheck } from '@switchboard/contracts';
import { createPool, type Logger, type Metrics, type Pool } from '@switchboard/platform';
import { createSpendingPool } from './adapters/spending-sums';
import { METERING_HEALTH } from './client';
import { SchemaPreparation } from './schema-preparation';
import { SpendingService } from './spending-service';
import { UsageConsumer } from './usage-consumer';

export interface MeteringConsumerOptions {
  bus: Bus;
  databaseUrl: string;
  log: Logger;
  metrics: Metrics;
}

interface Consumption {
  pool: Pool;
  spendingPool: Pool;
  schema: SchemaPreparation;
  consumer: UsageConsumer;
  spending: SpendingService;
}

const CONSUMPTION = Symbol('CONSUMPTION');
/** Less than a service may take to stop: a statement that hangs does not make the stop a kill. */
const QUERY_TIMEOUT_MS = 15_000;

/**
 * Stores the usage stream and answers what was spent, once the database has this release's schema, which is brought about
 * here. Provides METERING_HEALTH. At shutdown the batch in hand is stored and acknowledged.
 */
@Module({})
export class MeteringConsumerModule
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(@Inject(CONSUMPTION) private readonly consumption: Consumption) {}

  static forRoot(options: MeteringConsumerOptions): DynamicModule {
    return {
      module: MeteringConsumerModule,
      global: true,
      providers: [
        { provide: CONSUMPTION, useFactory: () => createConsumption(options) },
        { provide: METERING_HEALTH, useFactory: healthOf, inject: [CONSUMPTION] },
      ],
      exports: [METERING_HEALTH],
    };
  }

  /** Not waited for: the process tells of itself, and what it lacks, while the database is away. */
  onApplicationBootstrap(): void {
    const { schema, consumer, spending } = this.consumption;
    void schema.run().then(() => {
      consumer.start();
      spending.start();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { schema, consumer, spending } = this.consumption;
    schema.stop();
    await Promise.all([consumer.stop(), spending.stop()]);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.consumption.pool.end(), this.consumption.spendingPool.end()]);
  }
}

function createConsumption({ bus, databaseUrl, log, metrics }: MeteringConsumerOptions): Consumption {
  // Batches are one at a time; the other connection answers health checks.
  const pool = createPool({ url: databaseUrl, log, connectionsMax: 2, queryTimeoutMs: QUERY_TIMEOUT_MS });
  const spendingPool = createSpendingPool({ url: databaseUrl, log });
  return {
    pool,
    spendingPool,
    schema: new SchemaPreparation({ url: databaseUrl, log }),
    consumer: new UsageConsumer({ bus, pool, log, metrics }),
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
