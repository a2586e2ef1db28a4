import type { Catalog, ProbeStateV1, UpstreamStateV1, UpstreamsV1 } from '@switchboard/contracts';
import { upstreamName } from '@switchboard/upstreams';
import type { Evaluator, Moment } from './evaluator';
import { retryAtMs } from './health';
import { WINDOW_SECONDS } from './outcome-window';

/** How all providers and upstreams of the catalog are, for an operator. */
export function describeUpstreams(
  catalog: Catalog,
  evaluator: Evaluator,
  probeOf: (provider: string) => ProbeStateV1,
  { nowMs, atMs }: Moment,
): Pick<UpstreamsV1, 'providers' | 'upstreams'> {
  const calendar = (ms: number): number => Math.round(atMs + (ms - nowMs));
  const providers = [...catalog.providers.keys()].map((provider) => {
    const account = evaluator.observations.account(provider);
    const { refusal } = account;
    const quotaLeft = account.quotaLeft(nowMs);
    return {
      provider,
      ...(refusal !== undefined && { refusal }),
      ...(quotaLeft !== undefined && { quotaLeft }),
      probe: probeOf(provider),
    };
  });
  const upstreams = new Map<string, UpstreamStateV1>();
  for (const model of catalog.models.values()) {
    for (const { provider, model: name } of model.upstreams) {
      const of = { provider, model: name };
      const tracked = evaluator.upstream(of);
      if (tracked === undefined || !catalog.providers.has(provider)) continue;
      const key = upstreamName(of);
      const known = upstreams.get(key);
      if (known !== undefined) {
        known.models.push(model.id);
        continue;
      }
      const { health, figures } = tracked;
      const observed = evaluator.observations.upstream(of);
      upstreams.set(key, {
        ...of,
        models: [model.id],
        state: health.state,
        ...(health.reason !== undefined && { reason: health.reason }),
        sinceMs: calendar(health.sinceMs),
        ...(health.state === 'open' && { retryAtMs: calendar(retryAtMs(health)) }),
        ...figures,
        counts: observed.window.sum(nowMs, WINDOW_SECONDS).counts,
        ...observed.underWay(nowMs),
      });
    }
  }
  return { providers, upstreams: [...upstreams.values()] };
}
