import 'reflect-metadata';
import { loadGatewayConfig } from '@switchboard/platform';
import { Gateway } from './gateway';
import { readSettings } from './settings';
import { unenforced } from './unenforced';

async function main(): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const loaded = loadGatewayConfig({ env: process.env, cwd: process.cwd() });
  if (!settings.ok || !loaded.ok) {
    const faults = [...(settings.ok ? [] : settings.faults), ...(loaded.ok ? [] : loaded.faults)];
    process.stderr.write(
      `The configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}\n`).join('')}`,
    );
    process.exitCode = 1;
    return;
  }
  for (const warning of [...loaded.warnings, ...unenforced(loaded.config)])
    process.stderr.write(`warning: ${warning}\n`);
  if (process.argv.includes('--validate-config')) {
    process.stdout.write(`The configuration is valid${loaded.source === undefined ? '' : `: ${loaded.source}`}.\n`);
    return;
  }
  const gateway = await Gateway.start(settings.settings, loaded.config, loaded.source);
  process.stdout.write(gateway.banner);
  stopOnSignals(gateway);
}

function stopOnSignals(gateway: Gateway): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    // A second Ctrl-C means now.
    if (stopping) process.exit(130);
    stopping = true;
    process.stderr.write(`${signal}: finishing open replies …\n`);
    gateway.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

function fail(error: unknown): void {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

/** What went wrong, and for the usual fault of a second start what to do. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code !== 'EADDRINUSE') return error.message;
  return `${address}:${port} is in use by another process. Stop it, or choose other ports (PORT, ADMIN_PORT).`;
}

main().catch(fail);
