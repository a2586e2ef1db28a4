import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BUCKETS, type BucketDefinition, type Bus, decodeJson } from '@switchboard/contracts';
import {
  createLocalBus,
  createLogger,
  createMetrics,
  createPool,
  type Logger,
  migrate,
  type SecretRing,
  startEmbeddedPostgres,
} from '@switchboard/platform';
import { type AdminStore, type AdminStoreOptions, createAdminStore } from '../admin-store';

export const TABLES =
  'tenants, api_keys, key_secrets, providers, models, gateway_settings, credit_entries, audit_log, idempotent_replies, outbox, webhooks, webhook_events, exports';

/** Append-only: only a superuser can. One message: one session. */
const EMPTY_PRICES = `
  SET session_replication_role = replica;
  TRUNCATE model_prices;
  SET session_replication_role = DEFAULT`;

export interface AdminDatabase {
  url: string;
  log: Logger;
  /** Lines logged so far. */
  logged: string[];
  /** Private to the test file. */
  folder: string;
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  empty(): Promise<void>;
  stop(): Promise<void>;
}

export async function startAdminDatabase(): Promise<AdminDatabase> {
  const logged: string[] = [];
  const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-admin-'));
  await chmod(folder, 0o711);
  const postgres = await startEmbeddedPostgres({ dataDir: path.join(folder, 'data'), log });
  await migrate({ url: postgres.url, log });
  const pool = createPool({ url: postgres.url, log });
  const sql = async (text: string, values?: unknown[]) => (await pool.query<Record<string, unknown>>(text, values)).rows;
  return {
    ...{ url: postgres.url, log, logged, folder, sql },
    empty: async () => {
      await sql(`TRUNCATE ${TABLES} CASCADE`);
      await sql(EMPTY_PRICES);
      logged.length = 0;
    },
    stop: async () => {
      await pool.end();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function ring(...ids: [string, ...string[]]): SecretRing {
  const [first, ...others] = ids.map((id) => ({ id, key: secretOf(id) }));
  return [first as SecretRing[0], ...others];
}

const SECRETS = new Map<string, Buffer>();

/** The same for the same id. */
function secretOf(id: string): Buffer {
  const known = SECRETS.get(id) ?? randomBytes(32);
  SECRETS.set(id, known);
  return known;
}

/** A store with nothing declared, started only by the test. */
export function openStore(
  database: AdminDatabase,
  differs: Partial<AdminStoreOptions> & { env?: NodeJS.ProcessEnv } = {},
): AdminStore & { bus: Bus } {
  const { env = {}, ...options } = differs;
  const bus = options.bus ?? createLocalBus({ log: database.log });
  const store = createAdminStore({
    databaseUrl: database.url,
    kek: ring('kek-1'),
    peppers: ring('pepper-1'),
    config: { env, cwd: database.folder, standalone: false },
    logger: database.log,
    metrics: createMetrics(),
    ...options,
    bus,
  });
  return Object.assign(store, { bus });
}

export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not happen in time');
    await delay(10);
  }
}

/** What a bucket holds, by key. */
export async function held<T = Record<string, unknown>>(bus: Bus, definition: BucketDefinition): Promise<Record<string, T>> {
  const bucket = bus.bucket(definition);
  const entries: [string, T][] = [];
  for (const key of await bucket.keys()) {
    const value = (await bucket.get(key))?.value;
    if (value !== undefined) entries.push([key, decodeJson<T>(value)]);
  }
  return Object.fromEntries(entries);
}

export const heldCatalog = <T>(bus: Bus) => held<T>(bus, BUCKETS.catalog);
export const heldKeys = <T>(bus: Bus) => held<T>(bus, BUCKETS.keys);
