import type { OutcomeClass, OutcomesV1, ProviderStandingV1, UpstreamOutcomesV1 } from '@switchboard/contracts';
import { observe } from '@switchboard/upstreams';

export interface Seen extends Partial<Omit<UpstreamOutcomesV1, 'counts' | 'firstTokenMs'>> {
  counts?: Partial<Record<OutcomeClass, number>>;
  /** One stream's each. */
  firstTokensMs?: number[];
}

export function outcomesOf({ counts = {}, firstTokensMs = [], ...differs }: Seen): UpstreamOutcomesV1 {
  const firstTokenMs = {};
  for (const ms of firstTokensMs) observe(firstTokenMs, ms);
  return {
    ...{ provider: 'cloud', model: 'x', counts, firstTokenMs, totalMs: {}, replies: 0, inputTokens: 0 },
    ...{ cacheReadTokens: 0, outputTokens: 0, streamedTokens: 0, streamedMs: 0, inFlight: 0, late: 0 },
    ...differs,
  };
}

export function reportOf(upstreams: Seen[], providers: ProviderStandingV1[] = [], edge = 'edge-1'): OutcomesV1 {
  return { edge, forMs: 1_000, upstreams: upstreams.map(outcomesOf), providers };
}
