import {
  createLogger,
  DatabaseWaitError,
  type Logger,
  migrateWhenThere,
  releaseVersion,
  reportConfiguration,
} from '@switchboard/platform';
import { readMigrateSettings } from './migrate-config';

/** What a job that runs this can tell apart: 1, also for faulty settings, wants a person; 2 may be tried again. */
const EXIT_CODE = { failed: 1, notThere: 2 };

/**
 * Brings the database to this release's schema, and ends: for a job before an upgrade. Services do the same when they start;
 * done before, none of them has to wait for it. Done twice, or by two at once, it is done once.
 */
async function main(): Promise<void> {
  const read = readMigrateSettings(process.env);
  if (!reportConfiguration({ faults: read.ok ? [] : read.faults }) || !read.ok) return;
  const { DATABASE_URL: url, LOG_LEVEL: level, MIGRATE_WAIT_MS: waitMs } = read.settings;
  const log = createLogger({ level, name: 'migrate' });
  endOnSignals(log);
  try {
    const applied = await migrateWhenThere({ url, log, waitMs });
    log.info({ applied, version: releaseVersion() }, 'the database has this release’s schema');
  } catch (error) {
    log.fatal({ err: error }, 'the database does not have this release’s schema');
    process.exitCode = error instanceof DatabaseWaitError ? EXIT_CODE.notThere : EXIT_CODE.failed;
  }
}

/** The first process of a container is not ended by a signal that it does not listen to. What was under way is rolled back. */
function endOnSignals(log: Logger): void {
  for (const [signal, code] of [['SIGTERM', 143] as const, ['SIGINT', 130] as const]) {
    process.once(signal, () => {
      log.warn({ signal }, 'ended before the migrations were');
      process.exit(code);
    });
  }
}

void main();
