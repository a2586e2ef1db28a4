import type { Bus, HealthCheck } from '@switchboard/contracts';

/** `name`: `nats` where the bus is a server, `bus` (the default) otherwise. */
export function busHealth(bus: Bus, { required, name = 'bus' }: { required: boolean; name?: string }): HealthCheck {
  return {
    name,
    required,
    check: () => (bus.connected ? Promise.resolve() : Promise.reject(new Error('not connected'))),
  };
}
