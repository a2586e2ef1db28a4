import 'reflect-metadata';
import { letHeapGrow } from '@switchboard/edge-api';
import { explainStartFault, loadGatewayConfig, reportConfiguration, stopOnSignals } from '@switchboard/platform';
import { Gateway } from './gateway';
import { readSettings } from './settings';

async function main(): Promise<void> {
  const surroundings = { env: process.env, cwd: process.cwd() };
  const settings = readSettings(surroundings.env, surroundings.cwd);
  const loaded = loadGatewayConfig(surroundings);
  const faults = [...(settings.ok ? [] : settings.faults), ...(loaded.ok ? [] : loaded.faults)];
  const warnings = loaded.ok ? loaded.warnings : [];
  const source = loaded.ok ? loaded.source : undefined;
  if (!reportConfiguration({ faults, warnings, source }) || !settings.ok || !loaded.ok) return;
  letHeapGrow();
  const starting = Gateway.start({ ...surroundings, settings: settings.settings, loaded, told: warnings });
  stopOnSignals({
    announce: (signal) => process.stderr.write(`${signal}: finishing open replies …\n`),
    // What a signal overtakes starts to its end first: half-way, nobody could tell what there is to stop.
    stop: async () => (await starting).stop(),
    failed: fail,
  });
  process.stdout.write((await starting).banner);
}

function fail(error: unknown): void {
  process.stderr.write(`${explainStartFault(error)}\n`);
  process.exit(1);
}

main().catch(fail);
