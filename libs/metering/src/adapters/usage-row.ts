import type { UsageRecordedV1 } from '@switchboard/contracts';
import type { Prisma } from '@switchboard/platform';

type UsageRow = Prisma.UsageCurrentGetPayload<object>;

/** A stored row as the event it was. What one event holds fits a JavaScript number: it came from one. */
export function eventOf(row: UsageRow): UsageRecordedV1 {
  return {
    requestId: row.requestId,
    tenantId: row.tenantId,
    keyId: row.keyId,
    requestedModel: row.requestedModel,
    model: row.model,
    upstream: row.upstream,
    clientDialect: row.clientDialect as UsageRecordedV1['clientDialect'],
    upstreamDialect: row.upstreamDialect as UsageRecordedV1['upstreamDialect'],
    stream: row.stream,
    usage: {
      inputTokens: Number(row.inputTokens),
      cacheReadTokens: Number(row.cacheReadTokens),
      cacheWrite5mTokens: Number(row.cacheWrite5mTokens),
      cacheWrite1hTokens: Number(row.cacheWrite1hTokens),
      outputTokens: Number(row.outputTokens),
      reasoningTokens: Number(row.reasoningTokens),
    },
    costNanoUsd: Number(row.costNanoUsd),
    accuracy: row.accuracy as UsageRecordedV1['accuracy'],
    startedAtMs: row.startedAt.getTime(),
    ...(row.firstTokenMs === null ? {} : { firstTokenMs: row.firstTokenMs }),
    latencyMs: row.latencyMs,
    attempts: row.attempts,
    finish: row.finish,
    status: row.status,
    losses: row.losses as unknown as UsageRecordedV1['losses'],
    ...(row.endUser === null ? {} : { endUser: row.endUser }),
    ...(row.clientMetadata === null ? {} : { clientMetadata: row.clientMetadata as Record<string, string> }),
    ...(row.clientRequestId === null ? {} : { clientRequestId: row.clientRequestId }),
    ...(row.priceVersion === null ? {} : { priceVersion: row.priceVersion }),
  };
}
