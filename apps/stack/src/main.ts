import { DataDirInUseError, explainStartFault, loadGatewayConfig, reportConfiguration } from '@switchboard/platform';
import { readArguments, USAGE, type ReadArguments } from './arguments';
import { runCommand } from './control-client';
import { readSettings } from './settings';
import { Stack } from './stack';

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2));
  const settings = readSettings(process.env, process.cwd());
  if (given.ok && given.command.kind !== 'run') {
    if (!settings.ok) throw new Error(settings.faults.join('\n'));
    process.stdout.write(`${await runCommand(given.command, settings.settings.STACK_STATE)}\n`);
    return;
  }
  // Not the one-process form: what is on this machine has to be named as trusted.
  const loaded = loadGatewayConfig({ env: process.env, cwd: process.cwd(), standalone: false });
  const faults = [...faultsOf(given), ...faultsOf(settings), ...faultsOf(loaded)];
  const warnings = loaded.ok ? loaded.warnings : [];
  const source = loaded.ok ? loaded.source : undefined;
  const isGood = reportConfiguration({ faults, warnings, source });
  if (!given.ok) process.stderr.write(`\n${USAGE}\n`);
  if (!isGood || !given.ok || given.command.kind !== 'run' || !settings.ok || !loaded.ok) return;
  const { replicas } = given.command;
  const stack = new Stack({ settings: settings.settings, env: process.env, replicas, config: loaded.config, source });
  outliveTheTerminal();
  obeySignals(stack);
  process.stderr.write('Starting Postgres, Redis, NATS and the services …\n');
  process.stdout.write(await stack.start());
}

function faultsOf(read: ReadArguments | ReturnType<typeof loadGatewayConfig> | ReturnType<typeof readSettings>) {
  return read.ok ? [] : read.faults;
}

/** A terminal that was closed, a pager that was left: what is printed goes nowhere then, and everything else goes on. */
function outliveTheTerminal(): void {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
}

/** The first Ctrl-C stops everything in order, a second one kills it; SIGHUP replaces every service in turn. */
function obeySignals(stack: Stack): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      stack.killAll();
      process.exit(130);
    }
    stopping = true;
    process.stderr.write(`${signal}: stopping …\n`);
    stack.stop().then(() => process.exit(0), fail);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', () => {
    stack.restart().then(
      (done) => process.stderr.write(`SIGHUP: ${done}\n`),
      (error: unknown) => process.stderr.write(`SIGHUP: ${explain(error)}\n`),
    );
  });
}

function fail(error: unknown): void {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

function explain(error: unknown): string {
  if (error instanceof DataDirInUseError) {
    return `The stack is running already (process ${error.pid}). npm run stack -- status tells more. ${error.message}`;
  }
  return explainStartFault(error);
}

main().catch(fail);
