import { setTimeout as delay } from 'node:timers/promises';
import { migrate, MigrationError, type MigrateOptions } from './migrate';

const PAUSE_MS = { first: 250, most: 2_000 };

/** The database, or its turn at it, did not come in time. */
export class DatabaseWaitError extends Error {
  override readonly name = 'DatabaseWaitError';
}

/**
 * As `migrate`, for a process that does nothing else: a database that is not there yet, or that another process is migrating,
 * is waited for, for `waitMs` in all.
 *
 * @returns the names of the migrations applied now.
 * @throws MigrationError as `migrate` does, at once; DatabaseWaitError, caused by the last fault, after `waitMs`.
 */
export async function migrateWhenThere({
  waitMs,
  ...options
}: Omit<MigrateOptions, 'lockWaitMs'> & { waitMs: number }): Promise<string[]> {
  const deadline = performance.now() + waitMs;
  let told = '';
  for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)) {
    try {
      return await migrate({ ...options, lockWaitMs: Math.max(1, deadline - performance.now()) });
    } catch (error) {
      if (error instanceof MigrationError) throw error;
      const { message } = error as Error;
      if (performance.now() + pauseMs > deadline) {
        throw new DatabaseWaitError(`the database was not to be had within ${waitMs} ms`, { cause: error });
      }
      if (message !== told) options.log.warn({ err: error }, 'waiting for the database');
      told = message;
      await delay(pauseMs);
    }
  }
}
