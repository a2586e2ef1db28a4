import { cannedModel, cannedProvider, farBounds, gatewayConfig, type GatewayConfig } from '../subjects/gateway-config';
import type { Caller } from '../wire/requests';

/** What bounds a key of the cost and latency rounds. */
export const BOUNDS = ['none', 'limits', 'limits and budget'] as const;
export type Bounds = (typeof BOUNDS)[number];

/** The noisy key's limit. A full bucket lets as many through at once. */
export const noisyPerMinute = 600;
/** A hundred times the limit. */
export const noisyPerSecond = 1000;
export const quietPerSecond = 50;
/** What a reply takes to begin in the rounds with noise. */
export const slowReplyMs = 100;

const slowModel = 'bench/slow';

const boundsOf: Readonly<Record<Bounds, object>> = {
  none: {},
  limits: { limits: farBounds.limits },
  'limits and budget': farBounds,
};

const plaintext = (name: string): string => `cm_test_${name.replaceAll(' ', '').padEnd(30, '0')}`;
const variable = (name: string): string => `BENCH_KEY_${name.replaceAll(' ', '_').toUpperCase()}`;
const keyEntry = (name: string, bounds: object): object => ({
  name: name.replaceAll(' ', '-'),
  key: { env: variable(name) },
  kind: 'service',
  ...bounds,
});

export const callerWith = (bounds: Bounds): Caller => ({ key: plaintext(bounds) });
/** Its limits are far away, but it has some: its calls ask the same limiter as those of the noisy one. */
export const quietCaller: Caller = { key: plaintext('quiet'), model: slowModel };
export const noisyCaller: Caller = { key: plaintext('noisy'), model: slowModel };

export const callers: readonly Caller[] = [...BOUNDS.map(callerWith), quietCaller, noisyCaller];

/** By the environment variables `admissionConfig` speaks of. */
export const keys: Readonly<Record<string, string>> = Object.fromEntries(
  [...BOUNDS, 'quiet', 'noisy'].map((name) => [variable(name), plaintext(name)]),
);

/** One tenant with a key per kind of bounds, and two that only have the limiter and the slow upstream in common. */
export function admissionConfig(upstreamPort: number, slowPort: number): GatewayConfig {
  const { providers, models } = gatewayConfig(upstreamPort);
  return {
    providers: [...providers, cannedProvider('canned-slow', 'anthropic-compatible', slowPort)],
    models: [...models, cannedModel(slowModel, 'canned-slow', 'claude-upstream')],
    tenants: [
      { id: 'bench', name: 'Bench', keys: BOUNDS.map((name) => keyEntry(name, boundsOf[name])) },
      { id: 'quiet', name: 'Quiet', keys: [keyEntry('quiet', { limits: farBounds.limits })] },
      { id: 'noisy', name: 'Noisy', keys: [keyEntry('noisy', { limits: { rpm: noisyPerMinute } })] },
    ],
  };
}
