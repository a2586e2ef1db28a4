/** Kills the stack's processes under load, and holds the ledger against what the upstream served. Exit code 1: it failed. */
import { parseChaosOptions, usage } from './options';
import { runChaos } from './run-chaos';

async function main(): Promise<void> {
  try {
    const options = parseChaosOptions(process.argv.slice(2));
    process.stdout.write(`seed ${options.seed}: draw the same again with --seed ${options.seed}\n`);
    const { table, violations } = await runChaos(options, (line) => process.stdout.write(`${line}\n`));
    process.stdout.write(`\n${table}\n`);
    process.exitCode = violations.length === 0 ? 0 : 1;
  } catch (error) {
    const isOurs =
      error instanceof TypeError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    process.stderr.write(isOurs ? `${(error as Error).message}\n\n${usage}\n` : `${(error as Error).stack}\n`);
    process.exitCode = 1;
  }
}

void main();
