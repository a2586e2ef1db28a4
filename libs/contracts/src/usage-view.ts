import { decimalUsd } from './money';
import type { UsageTotal } from './ports';
import type { UsageRecordedV1 } from './usage-event';

/** A usage record as the API shows it. `costUsd` is exact. */
export interface UsageRecordView {
  requestId: string;
  startedAt: string;
  tenant: string;
  key: string;
  requestedModel: string;
  model: string;
  upstream: string;
  clientDialect: string;
  upstreamDialect: string;
  stream: boolean;
  inputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costNanoUsd: string;
  costUsd: string;
  accuracy: string;
  firstTokenMs: number | null;
  latencyMs: number;
  attempts: number;
  finish: string;
  status: number;
  losses: readonly { feature: string; path: string }[];
  endUser: string | null;
  clientRequestId: string | null;
  priceVersion: string | null;
  clientMetadata: Readonly<Record<string, string>> | null;
}

/** Totals of one group. Sums of money are decimal digits in a string: they outgrow what JSON readers keep exact. */
export interface UsageTotalView {
  group: string;
  requests: number;
  inputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costNanoUsd: string;
  costUsd: string;
}

/** Of a CSV of records, in their order. */
export const USAGE_RECORD_COLUMNS = [
  'requestId',
  'startedAt',
  'tenant',
  'key',
  'requestedModel',
  'model',
  'upstream',
  'clientDialect',
  'upstreamDialect',
  'stream',
  'inputTokens',
  'cacheReadTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'outputTokens',
  'reasoningTokens',
  'costUsd',
  'accuracy',
  'firstTokenMs',
  'latencyMs',
  'attempts',
  'finish',
  'status',
  'losses',
  'endUser',
  'clientRequestId',
  'priceVersion',
  'clientMetadata',
] as const satisfies (keyof UsageRecordView)[];

/** Of a CSV of totals. */
export const USAGE_TOTAL_COLUMNS = [
  'group',
  'requests',
  'inputTokens',
  'cacheReadTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'outputTokens',
  'reasoningTokens',
  'costUsd',
] as const satisfies (keyof UsageTotalView)[];

export function recordView(event: UsageRecordedV1): UsageRecordView {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens, reasoningTokens } =
    event.usage;
  return {
    requestId: event.requestId,
    startedAt: new Date(event.startedAtMs).toISOString(),
    tenant: event.tenantId,
    key: event.keyId,
    requestedModel: event.requestedModel,
    model: event.model,
    upstream: event.upstream,
    clientDialect: event.clientDialect,
    upstreamDialect: event.upstreamDialect,
    stream: event.stream,
    inputTokens,
    cacheReadTokens,
    cacheWrite5mTokens,
    cacheWrite1hTokens,
    outputTokens,
    reasoningTokens,
    costNanoUsd: String(event.costNanoUsd),
    costUsd: decimalUsd(BigInt(event.costNanoUsd)),
    accuracy: event.accuracy,
    firstTokenMs: event.firstTokenMs ?? null,
    latencyMs: event.latencyMs,
    attempts: event.attempts,
    finish: event.finish,
    status: event.status,
    losses: event.losses,
    endUser: event.endUser ?? null,
    clientRequestId: event.clientRequestId ?? null,
    priceVersion: event.priceVersion ?? null,
    clientMetadata: event.clientMetadata ?? null,
  };
}

export function totalView(total: UsageTotal): UsageTotalView {
  return {
    group: total.group,
    requests: Number(total.requests),
    inputTokens: Number(total.inputTokens),
    cacheReadTokens: Number(total.cacheReadTokens),
    cacheWrite5mTokens: Number(total.cacheWrite5mTokens),
    cacheWrite1hTokens: Number(total.cacheWrite1hTokens),
    outputTokens: Number(total.outputTokens),
    reasoningTokens: Number(total.reasoningTokens),
    costNanoUsd: String(total.costNanoUsd),
    costUsd: decimalUsd(total.costNanoUsd),
  };
}
