import type { UpstreamKind } from './kind';
import { readNumber } from './read-number';

/** Names of the two headers that tell one limit. */
export interface QuotaHeaders {
  limit: string;
  remaining: string;
}

export function quotaReader(quotas: readonly QuotaHeaders[]): UpstreamKind['quotaLeft'] {
  return (headers) => {
    let least: number | undefined;
    for (const { limit: limitName, remaining: remainingName } of quotas) {
      const remaining = readNumber(headers, remainingName);
      if (remaining === undefined) continue;
      const limit = readNumber(headers, limitName) ?? 0;
      // Of an unknown limit only this much is known: none of it is left.
      if (limit === 0 && remaining > 0) continue;
      const left = limit === 0 ? 0 : Math.min(1, remaining / limit);
      if (least === undefined || left < least) least = left;
    }
    return least;
  };
}
