import 'reflect-metadata';
import {
  createLogger,
  createMetrics,
  type GatewayConfig,
  loadGatewayConfig,
  openNatsBus,
  reportConfiguration,
  runService,
  withFirstRun,
} from '@switchboard/platform';
import { AdminServiceModule } from './admin-api.module';
import { readAdminSettings } from './config';

async function main(): Promise<void> {
  const { env } = process;
  const cwd = process.cwd();
  const read = readAdminSettings(env);
  const faults = [...(read.ok ? [] : read.faults), ...gatewayFaults(env, cwd)];
  if (!reportConfiguration({ faults }) || !read.ok) return;
  const { settings, secrets, oidc } = read;
  const log = createLogger({ level: settings.LOG_LEVEL, name: 'admin-api' });
  const metrics = createMetrics();
  if (secrets.adminToken === undefined && oidc === undefined) {
    log.warn('nobody can use the admin API: neither ADMIN_TOKEN nor OIDC_ISSUER is set');
  }
  const { NATS_URL: url, NATS_REPLICAS: replicas } = settings;
  const bus = openNatsBus({ url, replicas, name: `admin-api ${settings.INSTANCE}`, log });
  const { SIMULATOR_URL: simulatorUrl, DEMO_KEY_HASH: demoKeyHash } = settings;
  const declare = (config: GatewayConfig): GatewayConfig => withFirstRun(config, { simulatorUrl, demoKeyHash });
  const module = AdminServiceModule.forRoot({
    ...{ bus, databaseUrl: settings.DATABASE_URL, secrets, config: { env, cwd, declare }, log, metrics },
    ...(oidc === undefined ? {} : { oidc }),
  });
  const readinessGraceMs = settings.DRAIN_GRACE_MS;
  await runService({ name: 'admin-api', settings, module, log, metrics, bus, readinessGraceMs });
}

/** A faulty gateway.yaml stops no service that runs on the last good one; whoever only asks whether it is good is told. */
function gatewayFaults(env: NodeJS.ProcessEnv, cwd: string): string[] {
  if (!process.argv.includes('--validate-config')) return [];
  const loaded = loadGatewayConfig({ env, cwd, standalone: false });
  return loaded.ok ? [] : loaded.faults;
}

void main();
