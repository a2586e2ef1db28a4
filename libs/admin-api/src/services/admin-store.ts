import { setTimeout as delay } from 'node:timers/promises';
import type { Bus, HealthCheck } from '@switchboard/contracts';
import {
  createKeyHasher,
  createPrismaClient,
  createSealer,
  type KeyHasher,
  type Logger,
  type Metrics,
  migrate,
  type PrismaClient,
  type Sealer,
  type SecretRing,
} from '@switchboard/platform';
import { ConfigReconciler } from '../adapters/config-reconciler';
import { ConfigSource, type ConfigSourceOptions } from '../adapters/config-source';
import { Distributor } from '../adapters/distributor';
import { resealProviders, resealWebhooks } from '../adapters/kek-rotation';
import { Outage } from '../adapters/outage';
import { Budgets } from './budgets';
import { Credits } from './credits';
import { Exports } from './exports';
import { Keys } from './keys';
import { Models } from './models';
import { Mutations } from './mutations';
import { Providers } from './providers';
import { Tenants } from './tenants';
import { WebhookDeliveries } from './webhook-deliveries';
import { Webhooks } from './webhooks';

export interface AdminStoreOptions {
  databaseUrl: string;
  bus: Bus;
  /** Seals provider credentials. */
  kek: SecretRing;
  /** Key the hashes of API keys. */
  peppers: SecretRing;
  config: ConfigSourceOptions;
  logger: Logger;
  metrics: Metrics;
}

const RETRY_MS = 1_000;

/** The tables of tenants, keys, providers and models, with all that changes them and all that follows from a change. */
export interface AdminStore {
  readonly prisma: PrismaClient;
  readonly mutations: Mutations;
  readonly tenants: Tenants;
  readonly keys: Keys;
  readonly providers: Providers;
  readonly models: Models;
  readonly budgets: Budgets;
  readonly credits: Credits;
  readonly webhooks: Webhooks;
  readonly webhookDeliveries: WebhookDeliveries;
  readonly exports: Exports;
  readonly distributor: Distributor;
  readonly reconciler: ConfigReconciler;
  /** `postgres` (required): the tables are there and answer. `catalog-published`: the buckets say what they say. */
  readonly health: readonly HealthCheck[];
  /** The tables are migrated and hold what gateway.yaml says, or its faults have been logged. */
  readonly ready: Promise<void>;
  /** Begins, in the background: waits for Postgres and the bus as long as it takes. Idempotent. */
  start(): void;
  /** Ends the background work and the connections. */
  close(): Promise<void>;
}

/** Opens nothing before `start`. */
export function createAdminStore(options: AdminStoreOptions): AdminStore {
  const { bus, logger: log, metrics } = options;
  const prisma = createPrismaClient(options.databaseUrl, log);
  const sealer = createSealer(options.kek);
  const hasher = createKeyHasher(options.peppers);
  const distributor = new Distributor({ prisma, bus, log, metrics });
  const mutations = new Mutations(prisma, sealer, () => distributor.poke());
  const source = new ConfigSource(options.config);
  const reconciler = new ConfigReconciler(source, prisma, mutations, { sealer, hasher }, { log, metrics });
  const startup = new Startup(log, async () => {
    await migrate({ url: options.databaseUrl, log });
    await resealProviders({ prisma, mutations, sealer, log });
    await resealWebhooks({ prisma, mutations, sealer, log });
  });
  let ready = false;
  let stopped = false;
  let starting: Promise<void> | undefined;
  let announce: () => void;
  const readiness = new Promise<void>((resolve) => (announce = resolve));

  const begin = async (): Promise<void> => {
    if (!(await startup.succeeded())) return;
    await reconciler.start();
    if (stopped) return;
    ready = true;
    announce();
    distributor.start();
  };
  return {
    ...{ prisma, mutations, distributor, reconciler },
    ...servicesOf(prisma, { sealer, hasher, rule: options.config }),
    health: [postgresHealth(prisma, () => ready), distributor.health],
    ready: readiness,
    start: () => void (starting ??= begin()),
    close: async () => {
      stopped = true;
      startup.stop();
      await reconciler.stop();
      await starting;
      await distributor.stop();
      await prisma.$disconnect();
    },
  };
}

type Services =
  'tenants' | 'keys' | 'providers' | 'models' | 'budgets' | 'credits' | 'webhooks' | 'webhookDeliveries' | 'exports';

function servicesOf(
  prisma: PrismaClient,
  { sealer, hasher, rule }: { sealer: Sealer; hasher: KeyHasher; rule: { standalone: boolean } },
): Pick<AdminStore, Services> {
  return {
    tenants: new Tenants(prisma),
    keys: new Keys(prisma, hasher),
    providers: new Providers(prisma, sealer, rule),
    models: new Models(prisma),
    budgets: new Budgets(),
    credits: new Credits(prisma),
    webhooks: new Webhooks(prisma, sealer),
    webhookDeliveries: new WebhookDeliveries(prisma),
    exports: new Exports(prisma),
  };
}

function postgresHealth(prisma: PrismaClient, isReady: () => boolean): HealthCheck {
  return {
    name: 'postgres',
    required: true,
    check: async () => {
      await prisma.$queryRaw`SELECT 1`;
      if (!isReady()) throw new Error('the tables are not ready yet');
    },
  };
}

/** Does the first work on a database as soon as there is one. */
class Startup {
  private readonly stopping = new AbortController();
  private readonly outage: Outage;

  constructor(
    log: Logger,
    private readonly work: () => Promise<void>,
  ) {
    this.outage = new Outage(log, {
      began: 'waiting for Postgres: its tables cannot be brought up to date yet',
      ended: 'Postgres is there, its tables are up to date',
    });
  }

  /** False: stopped before. */
  async succeeded(): Promise<boolean> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        // A server that is silent may hold the work up for minutes: a stop does not wait for that.
        if (!(await Promise.race([this.work().then(() => true), aborted(signal)]))) return false;
        this.outage.ended();
        return true;
      } catch (error) {
        this.outage.began(error);
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return false;
  }

  stop(): void {
    this.stopping.abort();
  }
}

/** False, when it is. */
function aborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(false), { once: true }));
}
