import { type GatewayConfig, withDemoTenant, withSimulator } from '@switchboard/platform';

/** What a one-machine stack adds to the configuration: an upstream where there is none, a key to try it with. */
export function firstRunOf(settings: {
  SIMULATOR_URL?: string | undefined;
  DEMO_KEY_HASH?: string | undefined;
}): (config: GatewayConfig) => GatewayConfig {
  const { SIMULATOR_URL: simulatorUrl, DEMO_KEY_HASH: demoKeyHash } = settings;
  return (config) => {
    const served = simulatorUrl === undefined ? config : withSimulator(config, { simulatorUrl });
    const demoTaken = config.tenants.some(({ tenant }) => tenant.id === 'demo');
    return demoKeyHash === undefined || demoTaken ? served : withDemoTenant(served, demoKeyHash);
  };
}
