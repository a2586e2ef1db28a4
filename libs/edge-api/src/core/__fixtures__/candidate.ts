import type { Model, Prices, PriceSchedule, Provider } from '@switchboard/contracts';
import { DIALECTS, type DialectId } from '@switchboard/protocol';
import { dialectFor, KINDS } from '@switchboard/upstreams';
import type { Candidate } from '../plan';
import { UpstreamRegistry } from '../upstream-registry';

/** One version, in effect for all time. */
export const always = (of: Prices): PriceSchedule => [{ version: 'v1', effectiveFromMs: 0, prices: of }];

export const prices: Prices = {
  input: 3_000_000,
  output: 15_000_000,
  cacheRead: 300_000,
  cacheWrite5m: 3_750_000,
  cacheWrite1h: 6_000_000,
};

/** A model that can do everything, at a provider that is as a test says. `client`: of which dialect; absent: of no provider's. */
export function candidate(
  changes: Partial<Provider> = {},
  modelChanges: Partial<Model> = {},
  client?: DialectId,
): Candidate {
  const provider: Provider = {
    id: 'one',
    kind: 'anthropic-compatible',
    baseUrl: 'http://127.0.0.1:1',
    headers: {},
    tier: 2,
    timeouts: { connectMs: 1000, firstTokenMs: 1000, idleMs: 1000, totalMs: 1000 },
    limits: {},
    trustedNetwork: true,
    ...changes,
  };
  const upstream = { provider: provider.id, model: 'upstream-model', weight: 1, cost: prices };
  const model: Model = {
    id: 'test/model',
    displayName: 'Test',
    description: '',
    category: 'llm',
    createdAt: '2026-11-01T00:00:00Z',
    aliases: [],
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    capabilities: {
      streaming: true,
      tools: 'native',
      vision: true,
      documents: true,
      reasoning: true,
      structuredOutputs: true,
    },
    pricing: always(prices),
    onDisconnect: 'cancel',
    upstreams: [upstream],
    ...modelChanges,
  };
  const registry = new UpstreamRegistry();
  const { health, tally } = registry.upstream(provider, upstream);
  const kind = KINDS[provider.kind];
  const dialect = DIALECTS[client === undefined ? kind.dialect : dialectFor(kind, provider, client)];
  return {
    ...{ model, upstream, provider, dialect, health, tally },
    ...{ retries: registry.retryBudget(model.id), weight: 1, hash: 1, rank: 0, degradedRank: 1 },
  };
}
