import { bannerModel, SIMULATED_UPSTREAM } from './banner';
import { type DemoKey, provideDemoKey } from './demo-key';
import { withDemoTenant, withSimulator } from './first-run';
import type { GatewayConfig } from './gateway-config';

/** What a configuration lacks for a first request, and what is said of it. */
export interface FirstRun {
  /** Where the configuration holds no key at all. */
  demoKey: DemoKey | undefined;
  needsSimulator: boolean;
  /** In words. */
  upstreams: string;
  /** One that is served. */
  model: string;
}

/** Makes the demo key where one is needed: it is kept in `dataDir`, the same at the next start. */
export function planFirstRun(config: GatewayConfig, dataDir: string): FirstRun {
  const needsSimulator = lacksProviders(config);
  // For its models' names alone: where the simulator listens is not known yet.
  const served = needsSimulator ? withSimulator(config, { simulatorUrl: 'http://127.0.0.1' }) : config;
  return {
    demoKey: lacksKeys(config) ? provideDemoKey(dataDir, config.brand.keyPrefix) : undefined,
    needsSimulator,
    upstreams: needsSimulator ? SIMULATED_UPSTREAM : config.providers.map(({ id }) => id).join(', '),
    model: bannerModel(served),
  };
}

/** The configuration with what it lacks, of what there is: the simulator without a provider, the demo tenant without a key. */
export function withFirstRun(
  config: GatewayConfig,
  { simulatorUrl, demoKeyHash }: { simulatorUrl: string | undefined; demoKeyHash: string | undefined },
): GatewayConfig {
  const withKey = demoKeyHash !== undefined && lacksKeys(config) ? withDemoTenant(config, demoKeyHash) : config;
  return simulatorUrl !== undefined && lacksProviders(config) ? withSimulator(withKey, { simulatorUrl }) : withKey;
}

function lacksProviders({ providers }: GatewayConfig): boolean {
  return providers.length === 0;
}

function lacksKeys({ tenants }: GatewayConfig): boolean {
  return tenants.every(({ keys }) => keys.length === 0);
}
