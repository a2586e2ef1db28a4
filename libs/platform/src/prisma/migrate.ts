import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from '../logging/logger';

/** The same from `src` and from `dist`. */
const MIGRATIONS = path.join(__dirname, '../../../../prisma/migrations');

/** The lock Prisma's own migrate takes: the two exclude each other. */
const ADVISORY_LOCK = 72707369;

/** A server that takes a connection and says nothing is as away as one that takes none. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Whoever comes after a migration that waits for a table waits behind it, readers too. So it lets them pass soon, and tries
 * again: traffic goes on, and the longest transaction of a running release fits between two of the tries.
 */
const TABLE_LOCK = { timeoutMs: 2_000, attempts: 30, pauseMs: 500 };

/** It had to wait for a lock too long, or was the one of two that a circle of waiting was broken at. */
const GAVE_WAY = new Set(['55P03', '40P01']);

/** As Prisma creates it: `prisma migrate status` reads it. */
const CREATE_HISTORY = `
  CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum" VARCHAR(64) NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL,
    "logs" TEXT,
    "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count" INTEGER NOT NULL DEFAULT 0
  )`;

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

/** The history of a database and the migrations of this release disagree; a person has to look. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Another process was at the migrations for longer than there was to wait. */
export class MigrationLockError extends Error {
  override readonly name = 'MigrationLockError';
}

export interface MigrateOptions {
  url: string;
  log: Logger;
  /** Of the migrations; absent: this release's. */
  folder?: string;
  /** How long another process may be at it; absent: as long as it takes. */
  lockWaitMs?: number;
}

/**
 * Brings a database to this release's schema: applies each migration it lacks, in order, each in a transaction with its
 * record. Processes that start together wait for one another. What is migrated may be in use meanwhile.
 *
 * @returns the names of the migrations applied now.
 * @throws MigrationError when an applied migration was changed since, failed half-way under another tool, or a migration
 * fails now (nothing of it stays); MigrationLockError after `lockWaitMs`; any other error of the network.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const migrations = await readMigrations(options.folder ?? MIGRATIONS);
  const client = new Client({
    connectionString: options.url,
    application_name: 'switchboard-migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // The query in flight reports the same fault.
  client.on('error', (error) => options.log.warn({ err: error }, 'lost the connection while migrating'));
  await client.connect();
  try {
    await takeTurn(client, options.lockWaitMs);
    await client.query(CREATE_HISTORY);
    const applied = await appliedChecksums(client);
    const pending = migrations.filter(({ name, checksum }) => isPending(applied, name, checksum));
    for (const migration of pending) {
      await applyInTurn(client, migration, options.log);
      options.log.info({ migration: migration.name }, 'applied a database migration');
    }
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(path.join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function appliedChecksums(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; checksum: string; finished: boolean }>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
       FROM "_prisma_migrations" WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  const unfinished = rows.find(({ finished }) => !finished);
  if (unfinished !== undefined) {
    throw new MigrationError(
      `Migration ${unfinished.name} failed half-way on this database. Repair it, then mark it with 'prisma migrate resolve'.`,
    );
  }
  return new Map(rows.map(({ name, checksum }) => [name, checksum]));
}

function isPending(applied: ReadonlyMap<string, string>, name: string, checksum: string): boolean {
  const known = applied.get(name);
  if (known === undefined || known === checksum) return known === undefined;
  throw new MigrationError(
    `Migration ${name} was changed after it had been applied to this database (its checksum was ${known}, now ${checksum}). ` +
      `Restore the file, and put the change into a new migration.`,
  );
}

/** Bound to the session: it goes with the connection, however that ends. */
async function takeTurn(client: Client, waitMs = 0): Promise<void> {
  await client.query(`SET lock_timeout = ${Math.ceil(waitMs)}`);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error;
    throw new MigrationLockError(`another process has been migrating this database for ${Math.ceil(waitMs)} ms`, {
      cause: error,
    });
  }
  await client.query(`SET lock_timeout = ${TABLE_LOCK.timeoutMs}`);
}

async function applyInTurn(client: Client, migration: Migration, log: Logger): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await apply(client, migration);
    } catch (error) {
      if (!isSqlState(codeOf(error))) throw error;
      if (!GAVE_WAY.has(codeOf(error)) || attempt === TABLE_LOCK.attempts) {
        // The transaction ends with the session, which the caller closes.
        throw new MigrationError(
          `Migration ${migration.name} failed, nothing of it was kept: ${(error as Error).message}`,
          { cause: error },
        );
      }
      await client.query('ROLLBACK');
      log.info({ migration: migration.name, attempt }, 'a table is in use: the migration gives way, and tries again');
      await delay(TABLE_LOCK.pauseMs);
    }
  }
}

async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('BEGIN');
  await client.query(sql);
  await client.query(
    `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), checksum, name],
  );
  await client.query('COMMIT');
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** What the database says of a statement; not of the network, nor of a server that goes away (57P…). */
function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('57P');
}
