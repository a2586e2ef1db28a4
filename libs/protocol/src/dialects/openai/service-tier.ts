import type { JsonObject } from '../../json';
import type { Encoding } from './encoding';

/** OpenAI's tiers; Anthropic's `standard_only` is what OpenAI calls `default`. */
const SERVICE_TIERS: ReadonlyMap<string, string> = new Map([
  ['standard_only', 'default'],
  ...['auto', 'default', 'flex', 'scale', 'priority', 'fast'].map((tier) => [tier, tier] as const),
]);

export function encodeServiceTier(serviceTier: string | undefined, encoding: Encoding): JsonObject {
  if (serviceTier === undefined) return {};
  const tier = SERVICE_TIERS.get(serviceTier);
  if (tier !== undefined) return { service_tier: tier };
  encoding.lose('service_tier', 'service_tier');
  return {};
}
