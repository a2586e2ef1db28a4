import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type EmbeddedPostgres, type Logger, migrate, startEmbeddedPostgres } from '@switchboard/platform';

/** Empties what metering writes, the append-only tables too: only a superuser can. One message: one session. */
export const EMPTY_TABLES = `
  SET session_replication_role = replica;
  TRUNCATE call_log, usage_refused, usage_rollups, usage_rollups_by_day, usage_rollups_by_key_day,
    usage_rollups_by_model_hour, usage_dropped, usage_dropped_partitions, ledger_entries, ledger_transactions;
  -- A file of each partition and each of its indexes would have to be made anew.
  DELETE FROM usage;
  DELETE FROM ledger_accounts WHERE kind = 'tenant';
  SET session_replication_role = DEFAULT`;

export interface TestDatabase {
  folder: string;
  url: string;
  sql(text: string): Promise<Record<string, unknown>[]>;
  empty(): Promise<void>;
  /** Request ids of what is stored, in the order it was. */
  stored(): Promise<string[]>;
  /** As a crash does; it is started again, on the same port, half a second later. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

export async function openTestDatabase(log: Logger): Promise<TestDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-metering-'));
  // Postgres runs as a user of its own where we are root.
  await chmod(folder, 0o711);
  const postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir: folder, log });
  await migrate({ url: postgres.url, log });
  const pool = createPool({ url: postgres.url, log });
  /** Waits for a server that was killed. */
  const sql = async (text: string): Promise<Record<string, unknown>[]> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await pool.query<Record<string, unknown>>(text)).rows;
      } catch (error) {
        if (attempt === 200) throw error;
        await delay(100);
      }
    }
  };
  return {
    folder,
    url: postgres.url,
    sql,
    empty: async () => void (await sql(EMPTY_TABLES)),
    stored: async () => (await sql('SELECT request_id FROM usage ORDER BY id')).map((row) => String(row['request_id'])),
    kill: async () => {
      await sql('SELECT 1');
      const pidFile = path.join(folder, 'postgres/cluster/postmaster.pid');
      process.kill(Number.parseInt(await readFile(pidFile, 'utf8'), 10), 'SIGKILL');
    },
    close: async () => {
      await pool.end();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
