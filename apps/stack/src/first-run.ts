import {
  provideDemoKey,
  SIMULATED_UPSTREAM,
  bannerModel,
  withSimulator,
  type DemoKey,
  type GatewayConfig,
} from '@switchboard/platform';

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
  const lacksKeys = config.tenants.every(({ keys }) => keys.length === 0);
  const needsSimulator = config.providers.length === 0;
  // For its models' names alone: where the simulator listens is not known yet.
  const served = needsSimulator ? withSimulator(config, { simulatorUrl: 'http://127.0.0.1' }) : config;
  return {
    demoKey: lacksKeys ? provideDemoKey(dataDir, config.brand.keyPrefix) : undefined,
    needsSimulator,
    upstreams: needsSimulator ? SIMULATED_UPSTREAM : config.providers.map(({ id }) => id).join(', '),
    model: bannerModel(served),
  };
}
