import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { auditLedger, type LedgerAudit } from '@switchboard/metering';
import {
  createLogger,
  lockDataDir,
  type Logger,
  migrate,
  openDatabase,
  processStart,
  runningPostgresUrl,
} from '@switchboard/platform';
import { z } from 'zod';
import { readSettings, type Settings } from './settings';

/** Of a running stack's state file, what tells where its database is. */
const stackState = z.object({
  pid: z.number().int(),
  start: z.string(),
  processes: z.array(z.object({ name: z.string(), url: z.string() })),
});

/**
 * Computes the ledger anew from what it was made of, and says whether all agrees: exit code 0, or 1 with the first
 * differences. Reads DATABASE_URL; else the database of the gateway that runs on DATA_DIR; else of the stack that runs by
 * STACK_STATE; else opens the one in DATA_DIR.
 */
async function main(): Promise<void> {
  const read = readSettings(process.env, process.cwd());
  if (!read.ok) throw new Error(`The environment has faults:\n${read.faults.join('\n')}`);
  const log = createLogger({ level: 'error', name: 'ledger-verify' }, process.stderr);
  const url = await findDatabase(read.settings);
  const audit = url === undefined ? await auditAtRest(read.settings, log) : await auditLedger({ url, log });
  process.stdout.write(render(audit));
  if (audit.breachCount > 0) process.exitCode = 1;
}

async function findDatabase({ DATABASE_URL, DATA_DIR }: Settings): Promise<string | undefined> {
  return DATABASE_URL ?? (await runningPostgresUrl(DATA_DIR)) ?? (await stackDatabase());
}

/** Undefined where no stack runs. */
async function stackDatabase(): Promise<string | undefined> {
  const file = path.resolve(process.env['STACK_STATE'] ?? '.switchboard/stack.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { pid, start, processes } = stackState.parse(JSON.parse(text));
  // One that was killed could not remove it.
  if ((await processStart(pid)) !== start) return undefined;
  return processes.find(({ name }) => name === 'postgres')?.url;
}

async function auditAtRest({ DATA_DIR, DATABASE_URL }: Settings, log: Logger): Promise<LedgerAudit> {
  const lock = await lockDataDir(DATA_DIR);
  try {
    const database = await openDatabase({ dataDir: DATA_DIR, databaseUrl: DATABASE_URL, log });
    try {
      // One that an earlier release wrote last has no ledger yet.
      await migrate({ url: database.url, log });
      return await auditLedger({ url: database.url, log });
    } finally {
      await database.stop();
    }
  } finally {
    await lock.release();
  }
}

function render({ counts, breaches, breachCount }: LedgerAudit): string {
  const { transactions, entries, usageRows, corrections, droppedRows, rollups, credits, tenants } = counts;
  const dropped = droppedRows === 0 ? '' : ` and the sums of ${droppedRows} dropped`;
  const looked =
    `${transactions} transactions, ${entries} entries, ${usageRows} rows of usage (${corrections} corrections)${dropped}, ` +
    `${rollups} rollups, ${credits} credits, ${tenants} tenants`;
  if (breachCount === 0) return `balanced: ${looked}\n`;
  const shown = breaches.map(
    ({ breach, id, expected, found }) => `${breach}\n  ${id}\n  expected ${expected}\n  found    ${found}`,
  );
  return `NOT balanced: ${breachCount} differences in ${looked}; the first ${shown.length}:\n${shown.join('\n')}\n`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  // 1 says that the books do not agree; this says that they could not be read.
  process.exitCode = 2;
});
