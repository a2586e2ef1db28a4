/** Upstreams of the distributed form fail under load, and a table tells what clients noticed. Exit code 1: a target was missed. */
import { writeFileSync } from 'node:fs';
import { parseFailoverOptions, usage, type FailoverOptions } from './options';
import { describeRun, failoverPage, tablesOf } from './report';
import { runFailover } from './run-failover';

async function main(): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  try {
    const options = parseFailoverOptions(process.argv.slice(2));
    process.exitCode = (await trial(options, stopping.signal)) ? 1 : 0;
  } catch (error) {
    if (stopping.signal.aborted) process.exitCode = 130;
    else fail(error);
  }
}

/** @returns whether a target was missed. */
async function trial(options: FailoverOptions, signal: AbortSignal): Promise<boolean> {
  const run = describeRun();
  const result = await runFailover(options, { say: (line) => process.stdout.write(`${line}\n`), signal });
  process.stdout.write(`\n${tablesOf(result)}\n`);
  if (options.page !== undefined) {
    writeFileSync(options.page, failoverPage(run, options, result));
    process.stdout.write(`\nkept in ${options.page}\n`);
  }
  return result.violated;
}

function fail(error: unknown): void {
  const isOurs = error instanceof TypeError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(isOurs ? `${(error as Error).message}\n\n${usage}\n` : `${(error as Error).stack}\n`);
  process.exitCode = 1;
}

void main();
