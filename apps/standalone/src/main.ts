import 'reflect-metadata';
import { explainStartFault, loadGatewayConfig, reportConfiguration, stopOnSignals } from '@switchboard/platform';
import { Gateway } from './gateway';
import { readSettings } from './settings';
import { unenforced } from './unenforced';

async function main(): Promise<void> {
  const surroundings = { env: process.env, cwd: process.cwd() };
  const settings = readSettings(surroundings.env, surroundings.cwd);
  const loaded = loadGatewayConfig(surroundings);
  const faults = [...(settings.ok ? [] : settings.faults), ...(loaded.ok ? [] : loaded.faults)];
  const warnings = loaded.ok ? [...loaded.warnings, ...unenforced(loaded.config)] : [];
  const source = loaded.ok ? loaded.source : undefined;
  if (!reportConfiguration({ faults, warnings, source }) || !settings.ok || !loaded.ok) return;
  const gateway = await Gateway.start({ ...surroundings, settings: settings.settings, loaded, told: warnings });
  process.stdout.write(gateway.banner);
  stopOnSignals({
    announce: (signal) => process.stderr.write(`${signal}: finishing open replies …\n`),
    stop: () => gateway.stop(),
    failed: fail,
  });
}

function fail(error: unknown): void {
  process.stderr.write(`${explainStartFault(error)}\n`);
  process.exit(1);
}

main().catch(fail);
