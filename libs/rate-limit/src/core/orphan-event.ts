import type { UsageRecordedV1 } from '@switchboard/contracts';
import { emptyUsage } from '@switchboard/protocol';
import type { Orphan } from './quota';

/** A call whose edge died: charged as reserved, which is never less than what it came to. */
export function orphanEvent({ request, held }: Orphan, nowMs: number): UsageRecordedV1 | undefined {
  const { intent, requestId, startedAtMs, amounts } = request;
  if (intent === undefined) return undefined;
  return {
    requestId,
    ...intent,
    usage: { ...emptyUsage(), inputTokens: amounts.inputTokens, outputTokens: held.outputTokens },
    costNanoUsd: held.nanoUsd,
    accuracy: 'orphaned',
    startedAtMs,
    latencyMs: Math.max(0, nowMs - startedAtMs),
    attempts: 1,
    finish: 'orphaned',
    status: 500,
    losses: [],
  };
}
