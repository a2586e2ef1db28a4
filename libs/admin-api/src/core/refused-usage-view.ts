import type { RefusedUsageRecord, RefusedUsageState } from '@switchboard/contracts';

export interface RefusedUsageView {
  id: string;
  state: RefusedUsageState;
  /** When it was last refused. */
  receivedAt: string;
  reason: string;
  refusals: number;
  replayedAt: string | null;
  dismissedAt: string | null;
  /** As JSON, or `base64:` and its bytes. */
  payload: string;
}

export function refusedUsageView(record: RefusedUsageRecord): RefusedUsageView {
  const { id, receivedAtMs, reason, refusals, replayedAtMs, dismissedAtMs, payload } = record;
  return {
    ...{ id, state: stateOf(record), receivedAt: new Date(receivedAtMs).toISOString(), reason, refusals },
    ...{ replayedAt: instantOf(replayedAtMs), dismissedAt: instantOf(dismissedAtMs), payload },
  };
}

function stateOf({ replayedAtMs, dismissedAtMs }: RefusedUsageRecord): RefusedUsageState {
  if (dismissedAtMs !== undefined) return 'dismissed';
  return replayedAtMs === undefined ? 'waiting' : 'replayed';
}

function instantOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
