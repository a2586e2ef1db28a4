import type { ProviderStateV1, UpstreamStateV1, UpstreamsV1 } from '@switchboard/contracts';

/** An operator looks for what is wrong. */
const AILING_FIRST: readonly UpstreamStateV1['state'][] = ['open', 'half-open', 'degraded', 'healthy'];

/** How the upstreams are, as the router that leads told. */
export function routingView({ leader, version, createdAtMs, providers, upstreams }: UpstreamsV1) {
  const ordered = [...upstreams].sort(
    (left, right) => AILING_FIRST.indexOf(left.state) - AILING_FIRST.indexOf(right.state),
  );
  return {
    ...{ leader, snapshotVersion: version, snapshotAt: instant(createdAtMs) },
    providers: providers.map(providerView),
    upstreams: ordered.map(upstreamView),
  };
}

function providerView({ provider, refusal = null, quotaLeft = null, probe }: ProviderStateV1) {
  const { result, atMs, latencyMs = null, error = null } = probe;
  const at = atMs === undefined ? null : instant(atMs);
  return { provider, refusal, quotaLeft, probe: { result, at, latencyMs, error } };
}

function upstreamView(upstream: UpstreamStateV1) {
  const { provider, model, models, state, reason = null, sinceMs, retryAtMs, counts, inFlight, late } = upstream;
  const { firstTokenMs = null, tokensPerSecond = null, outputTokens = null, cacheHitRate = null } = upstream;
  return {
    ...{ provider, model, models, state, reason, since: instant(sinceMs) },
    retryAt: retryAtMs === undefined ? null : instant(retryAtMs),
    ...{ firstTokenMs, tokensPerSecond, outputTokens, cacheHitRate, calls: counts, inFlight, late },
  };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
