import type { UsageIntent, UsageRecordedV1 } from '@switchboard/contracts';

/** The record of a call whose edge died: the most it can have come to, and marked as such. */
export function orphanedUsage(intent: UsageIntent, nowMs: number): UsageRecordedV1 {
  const { inputTokens, outputTokens, ...call } = intent;
  return {
    ...call,
    usage: {
      inputTokens,
      cacheReadTokens: 0,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
      outputTokens,
      reasoningTokens: 0,
    },
    accuracy: 'orphaned',
    latencyMs: Math.max(0, nowMs - intent.startedAtMs),
    finish: 'orphaned',
    status: 500,
    losses: [],
  };
}
