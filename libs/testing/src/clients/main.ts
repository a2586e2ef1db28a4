/** Real clients, each against upstreams of every dialect, and a matrix of what became of it. Exit code 1: something failed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installClients } from './installation';
import { clientsPage, matrixOf } from './matrix';
import { parseClientsOptions, usage, type ClientsOptions } from './options';
import { startClientsWorld, type Square, type SquareResult } from './world';

async function main(): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  try {
    const options = parseClientsOptions(process.argv.slice(2));
    const needsPrograms = options.trials.some(({ isLibrary }) => isLibrary !== true);
    installClients(needsPrograms ? 'everything' : 'libraries');
    const results = await playAll(squaresOf(options), options, stopping.signal);
    process.stdout.write(`\n${matrixOf(results)}\n`);
    if (options.page !== undefined) {
      writeFileSync(options.page, clientsPage(results));
      process.stdout.write(`\nkept in ${options.page}\n`);
    }
    process.exitCode = results.some(({ failure }) => failure !== undefined) ? 1 : 0;
  } catch (error) {
    fail(error);
  }
  if (stopping.signal.aborted) process.exitCode = 130;
}

function squaresOf({ trials, upstreams, scenarios }: ClientsOptions): Square[] {
  return trials.flatMap((trial) =>
    trial.scenarios
      .filter(({ name }) => scenarios === undefined || scenarios.includes(name))
      .flatMap((scenario) => upstreams.map((upstream) => ({ trial, scenario, upstream }))),
  );
}

/** One after the other, because each is a process at full load; those before an abort. */
async function playAll(
  squares: readonly Square[],
  { logs }: ClientsOptions,
  signal: AbortSignal,
): Promise<SquareResult[]> {
  const world = await startClientsWorld(squares);
  const results: SquareResult[] = [];
  try {
    for (const square of squares) {
      if (signal.aborted) break;
      const result = await world.play(square);
      results.push(result);
      report(result);
      if (logs !== undefined) keepLog(logs, result);
    }
  } finally {
    await world.stop();
  }
  return results;
}

function report({ trial, scenario, upstream, failure, tookMs }: SquareResult): void {
  const verdict = failure === undefined ? 'ok' : `FAILED: ${failure}`;
  process.stdout.write(`${trial.id} ${scenario.name} on ${upstream} (${(tookMs / 1000).toFixed(1)} s): ${verdict}\n`);
}

function keepLog(folder: string, { trial, scenario, upstream, log, failure }: SquareResult): void {
  mkdirSync(folder, { recursive: true });
  const name = `${trial.id}-${scenario.name}-${upstream}.log`.replaceAll(/[^\w.-]+/g, '-');
  writeFileSync(path.join(folder, name), `${failure ?? 'ok'}\n${log}\n`);
}

function fail(error: unknown): void {
  const isOurs = error instanceof TypeError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(isOurs ? `${(error as Error).message}\n\n${usage}\n` : `${(error as Error).stack}\n`);
  process.exitCode = 1;
}

void main();
