import type { ErrorCode, KeyRecord, UsageRecordedV1 } from '@switchboard/contracts';
import type { Loss, Usage } from '@switchboard/protocol';
import type { RequestIdentity } from '../core/reply-headers';
import { usageRecord } from '../core/usage-record';
import type { Attempts } from './attempts';
import type { Reservation } from './reservation';
import type { EdgeContext } from './edge-context';
import type { InferenceRequest } from './inference-request';
import type { PreparedCall } from './prepare-call';
import type { KeptTrace } from './request-traces';

/** How a call that reached an upstream ended. */
export interface Settlement {
  status: number;
  finish: string;
  /** The upstream took the request, so something may have been spent there. */
  accepted: boolean;
  /** The reply ended as its dialect ends; absent: it did not. */
  complete?: boolean;
  usage?: Usage | undefined;
  losses?: readonly Loss[];
  outputBytes?: number;
  /** Of the error that the client was told in place of a reply. */
  errorCode?: ErrorCode;
}

export interface CallFacts {
  identity: RequestIdentity;
  key: KeyRecord;
  startedAtMs: number;
  firstTokenMs: number | undefined;
  /** Monotonic. */
  startedMs: number;
  /** Monotonic. */
  endedMs: number;
  attempts: Attempts;
  reservation: Reservation | undefined;
}

/** Emits the one usage record of a call, counts it, and settles what was reserved. The reply never waits for this. */
export function settle(
  edge: EdgeContext,
  request: InferenceRequest,
  call: PreparedCall,
  settlement: Settlement,
  facts: CallFacts,
): UsageRecordedV1 {
  const latencyMs = facts.endedMs - facts.startedMs;
  const replyLosses = settlement.losses ?? [];
  const losses = replyLosses.length === 0 ? call.requestLosses : [...call.requestLosses, ...replyLosses];
  const record = usageRecord({
    requestId: facts.identity.requestId,
    clientRequestId: facts.identity.clientRequestId,
    endUser: request.endUser,
    clientMetadata: request.clientMetadata,
    key: facts.key,
    requestedModel: request.model,
    candidate: call.candidate,
    clientDialect: request.dialect.id,
    stream: request.stream,
    startedAtMs: facts.startedAtMs,
    firstTokenMs: facts.firstTokenMs,
    latencyMs,
    attempts: facts.attempts.count,
    status: settlement.status,
    finish: settlement.finish,
    losses,
    usage: settlement.usage,
    complete: settlement.complete ?? false,
    accepted: settlement.accepted,
    requestBody: call.body,
    outputBytes: settlement.outputBytes ?? 0,
    heldNanoUsd: facts.reservation?.paysMoney === true ? facts.reservation.heldNanoUsd : undefined,
  });
  const kept = keptTrace(edge, settlement, facts, record);
  if (kept !== undefined) record.traceparent = kept.trace.traceparent;
  edge.usage.record(record, facts.reservation?.settling(record));
  if (kept !== undefined) {
    edge.traces?.served(facts.identity, kept, { request, settlement, record, attempts: facts.attempts });
  }
  countClosed(edge, request, call, facts, record);
  facts.identity.call?.served(record, settlement.errorCode);
  return record;
}

function keptTrace(
  { traces }: EdgeContext,
  { status, finish }: Settlement,
  { identity }: CallFacts,
  { stream, firstTokenMs, latencyMs }: UsageRecordedV1,
): KeptTrace | undefined {
  return traces?.keep(identity, status >= 500 || finish === 'upstream_error', stream, firstTokenMs ?? latencyMs);
}

function countClosed(
  { metrics }: EdgeContext,
  { dialect, operation }: InferenceRequest,
  { candidate }: PreparedCall,
  { startedMs, attempts }: CallFacts,
  record: UsageRecordedV1,
): void {
  const { current } = attempts;
  metrics.closed({
    dialect: dialect.id,
    operation: operation?.id,
    candidate,
    status: record.status,
    startedMs,
    sentMs: current?.sentMs ?? 0,
    heardMs: current?.heardMs ?? 0,
    latencyMs: record.latencyMs,
    firstTokenMs: record.firstTokenMs,
    attempts: attempts.count,
    losses: record.losses,
    usage: record.usage,
    costNanoUsd: record.costNanoUsd,
  });
}

/** The error that a client was told of a call that no upstream took. */
export interface Refusal {
  status: number;
  code: ErrorCode;
}

/** As of its record of usage, where there is one. */
const CLIENT_LEFT = { status: 499, code: 'disconnected' };

/** Counts and tells of a call without a record of usage: refused, or given up by its client. What was settled is told already. */
export function closeUnserved(
  edge: EdgeContext,
  request: InferenceRequest,
  identity: RequestIdentity,
  refusal: Refusal | undefined,
): void {
  const { call, trace } = identity;
  if (refusal === undefined) {
    if (trace !== undefined) edge.traces?.refused(identity, request, CLIENT_LEFT, request);
    return call?.left();
  }
  edge.metrics.refused(request.dialect.id, refusal.status);
  call?.refused(refusal.code, refusal.status);
  edge.traces?.refused(identity, request, refusal, request);
}
