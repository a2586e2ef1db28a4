import {
  AccountHealth,
  hashText,
  OutcomeTally,
  RetryBudget,
  UpstreamHealth,
  type Choice,
} from '@switchboard/upstreams';
import type { SimulatedProvider } from './providers';
import { RouterFigures } from './router-figures';

/** A provider as the edge knows it, with its place in a list. */
export interface Candidate extends Choice {
  readonly index: number;
  readonly provider: SimulatedProvider;
  readonly tally: OutcomeTally;
  readonly retries: RetryBudget;
  readonly figures: RouterFigures;
}

export function candidatesOf(providers: readonly SimulatedProvider[]): Candidate[] {
  return providers.map((provider, index) => ({
    ...{ index, provider, health: new UpstreamHealth(new AccountHealth()), tally: new OutcomeTally() },
    ...{ retries: new RetryBudget(), figures: new RouterFigures() },
    ...{ weight: 1, hash: hashText(provider.id), rank: 0, degradedRank: 0 },
  }));
}

/** What the edge tells the router and hears from it, once a second. Its own finding of health is all that there is. */
export function exchangeFigures(candidates: readonly Candidate[], nowMs: number): void {
  for (const { provider, health, tally, figures } of candidates) {
    const { id } = provider;
    const isNew = figures.update(tally.take({ provider: id, model: id, inFlight: health.inFlight }), nowMs);
    if (!isNew) continue;
    const finding = { provider: id, model: id, state: 'healthy' as const, stateVersion: 1, weight: 1 };
    health.hear({ ...finding, ...figures.current }, nowMs);
  }
}
