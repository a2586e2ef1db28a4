import type { UsageFilter, UsageQueries } from '@switchboard/contracts';

/** More providers than anybody has. */
const GROUPS_MAX = 100_000;

/** What the calls that match cost, in nano-USD. */
export async function spentNanoUsd(usage: UsageQueries, filter: UsageFilter): Promise<bigint> {
  const { totals } = await usage.totals(filter, 'upstream', GROUPS_MAX);
  return totals.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n);
}
