import type { CallLoggedV1 } from './call-log';
import { decimalUsd } from './money';

/** A logged call as the API shows it; null where it is not known. `costUsd` is exact. */
export interface CallView {
  requestId: string;
  at: string;
  tenant: string;
  key: string;
  endpoint: string;
  clientDialect: string;
  requestedModel: string | null;
  model: string | null;
  upstream: string | null;
  stream: boolean | null;
  status: number;
  outcome: string;
  inputTokens: number | null;
  cacheReadTokens: number | null;
  cacheWrite5mTokens: number | null;
  cacheWrite1hTokens: number | null;
  outputTokens: number | null;
  reasoningTokens: number | null;
  costNanoUsd: string | null;
  costUsd: string | null;
  accuracy: string | null;
  firstTokenMs: number | null;
  latencyMs: number;
  attempts: number;
  ip: string;
  userAgent: string | null;
  clientRequestId: string | null;
}

/** Of its CSV, in their order. */
export const LOGGED_CALL_COLUMNS = [
  'requestId',
  'at',
  'tenant',
  'key',
  'endpoint',
  'clientDialect',
  'requestedModel',
  'model',
  'upstream',
  'stream',
  'status',
  'outcome',
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
  'ip',
  'userAgent',
  'clientRequestId',
] as const satisfies (keyof CallView)[];

export interface CallWithPromptView extends CallView {
  prompt: string | null;
  /** There was more of it. */
  promptTruncated: boolean;
}

export function callView(call: CallLoggedV1): CallView {
  const { usage, costNanoUsd } = call;
  return {
    ...{ requestId: call.requestId, at: new Date(call.atMs).toISOString(), tenant: call.tenantId, key: call.keyId },
    ...{ endpoint: call.endpoint, clientDialect: call.clientDialect, requestedModel: call.requestedModel ?? null },
    ...{ model: call.model ?? null, upstream: call.upstream ?? null, stream: call.stream ?? null },
    ...{ status: call.status, outcome: call.outcome },
    inputTokens: usage?.inputTokens ?? null,
    cacheReadTokens: usage?.cacheReadTokens ?? null,
    cacheWrite5mTokens: usage?.cacheWrite5mTokens ?? null,
    cacheWrite1hTokens: usage?.cacheWrite1hTokens ?? null,
    outputTokens: usage?.outputTokens ?? null,
    reasoningTokens: usage?.reasoningTokens ?? null,
    costNanoUsd: costNanoUsd === undefined ? null : String(costNanoUsd),
    costUsd: costNanoUsd === undefined ? null : decimalUsd(BigInt(costNanoUsd)),
    ...{ accuracy: call.accuracy ?? null, firstTokenMs: call.firstTokenMs ?? null, latencyMs: call.latencyMs },
    ...{ attempts: call.attempts, ip: call.ip, userAgent: call.userAgent ?? null },
    clientRequestId: call.clientRequestId ?? null,
  };
}

export function callWithPromptView(call: CallLoggedV1): CallWithPromptView {
  return { ...callView(call), prompt: call.prompt ?? null, promptTruncated: call.promptTruncated ?? false };
}
