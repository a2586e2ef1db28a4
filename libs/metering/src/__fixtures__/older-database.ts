import { cp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createPool, type Logger, migrate } from '@switchboard/platform';
import type { TestDatabase } from './database';

const MIGRATIONS = path.join(__dirname, '../../../../prisma/migrations');

/** A database as the release before the migration `until` left it, with what `statements` put into it; its URL. */
export async function olderDatabase(
  database: TestDatabase,
  { name, until, statements, log }: { name: string; until: string; statements: string; log: Logger },
): Promise<string> {
  await database.sql(`CREATE DATABASE ${name}`);
  const url = database.url.replace(/\/[^/]*$/, `/${name}`);
  const folder = path.join(database.folder, `migrations-${name}`);
  await cp(MIGRATIONS, folder, { recursive: true });
  const later = (await readdir(folder)).filter((entry) => entry >= until && !entry.endsWith('.toml'));
  for (const migration of later) await rm(path.join(folder, migration), { recursive: true });
  await migrate({ url, log, folder });
  const pool = createPool({ url, log });
  await pool.query(statements);
  await pool.end();
  return url;
}
