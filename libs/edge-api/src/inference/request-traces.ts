import type { IncomingHttpHeaders } from 'node:http';
import type { UsageRecordedV1 } from '@switchboard/contracts';
import type { SpanSink } from '@switchboard/platform';
import type { RequestIdentity } from '../core/reply-headers';
import { beginTrace, lateTrace, type RequestTrace } from '../core/request-trace';
import { requestSpans, type TracedAttempt, type TracedRequest } from '../core/request-spans';
import type { UpstreamFailure } from '../core/upstream-failure';
import type { Attempts } from './attempts';
import type { InferenceRequest } from './inference-request';
import type { Settlement } from './settlement';
import type { UpstreamAttempt } from './upstream-attempt';

export interface TraceOptions {
  spans: SpanSink;
  /** Of requests whose client has not decided, the share that is traced: 0 to 1. */
  ratio: number;
  /** A streamed reply is kept whose first token took longer. */
  slowFirstTokenMs: number;
  /** A whole reply, not streamed, is kept that took longer. */
  slowReplyMs: number;
}

/** `attempt`: the one that failed or, where the call could not be sent, the one before. */
export interface FailedAttempt extends UpstreamFailure {
  attempt: UpstreamAttempt | undefined;
  endedMs: number;
}

/** A request that is kept. */
export interface KeptTrace {
  trace: RequestTrace;
  why: TracedRequest['kept'];
}

/** What is known of a call that came to an end on record. */
export interface ServedCall {
  request: InferenceRequest;
  settlement: Settlement;
  record: UsageRecordedV1;
  attempts: Attempts;
}

/** Of a request: what the two that know one have in common. */
interface Asked {
  method?: string | undefined;
  headers: IncomingHttpHeaders;
}

/**
 * Traces of requests. One that is not sampled costs a random number; if it fails or is slow, its spans are made when it
 * ends, from the times it knows anyhow.
 */
export class RequestTraces {
  constructor(private readonly options: TraceOptions) {}

  /** Of an authenticated request only: nobody else is to fill a collector. */
  begin(identity: RequestIdentity, headers: IncomingHttpHeaders): void {
    identity.trace = beginTrace(headers, this.options.ratio, Math.random());
  }

  /** Undefined: nothing is told of it. `waitedMs`: for the first of the reply. */
  keep({ trace }: RequestIdentity, failed: boolean, stream: boolean, waitedMs: number): KeptTrace | undefined {
    if (trace?.isSampled === true) return { trace, why: 'sampled' };
    if (failed) return { trace: lateTrace(trace), why: 'error' };
    const { slowFirstTokenMs, slowReplyMs } = this.options;
    if (waitedMs <= (stream ? slowFirstTokenMs : slowReplyMs)) return undefined;
    return { trace: lateTrace(trace), why: 'slow' };
  }

  /** What was settled, just now. */
  served(identity: RequestIdentity, kept: KeptTrace, call: ServedCall): void {
    const { request, settlement, attempts } = call;
    this.record(identity, kept, {
      method: 'POST',
      headers: request.headers,
      asked: askedOf(request),
      status: settlement.status,
      error: rootError(settlement),
      admittedMs: attempts.startedMs,
      attempts: attemptsOf(call),
    });
  }

  /** An error was told in place of a reply, and nothing settled. `request`: where it came to be one of a model. */
  refused(
    identity: RequestIdentity,
    asked: Asked,
    refusal: { status: number; code: string },
    request?: InferenceRequest,
  ): void {
    const { status, code } = refusal;
    const kept = this.keep(identity, status >= 500, false, 0);
    if (kept === undefined) return;
    const method = asked.method ?? 'POST';
    const call = request && askedOf(request);
    this.record(identity, kept, {
      ...{ method, headers: asked.headers, asked: call, status, error: code },
      ...{ admittedMs: undefined, attempts: [] },
    });
  }

  private record(identity: RequestIdentity, kept: KeptTrace, facts: EndFacts): void {
    const { requestId, url, route, key, startedMs, admissionMs } = identity;
    // Whoever ends it next, the client's leaving say, has nothing more to tell.
    identity.trace = undefined;
    const endedMs = performance.now();
    const { admittedMs, headers, ...known } = facts;
    const denied = admittedMs === undefined ? facts.error : undefined;
    const spans = requestSpans({
      ...known,
      ...{ trace: kept.trace, kept: kept.why, requestId, url, route, key, startedMs, endedMs },
      userAgent: headers['user-agent'],
      admission:
        admissionMs === 0 ? undefined : { startedMs: admissionMs, endedMs: admittedMs ?? endedMs, error: denied },
    });
    for (const span of spans) this.options.spans.record(span);
  }
}

type EndFacts = Pick<TracedRequest, 'method' | 'asked' | 'status' | 'error' | 'attempts'> & {
  headers: IncomingHttpHeaders;
  /** Undefined: it was not, whether somebody was asked or not. */
  admittedMs: number | undefined;
};

function askedOf({ operation, model, stream, maxTokens, replyCount }: InferenceRequest) {
  return { operation: operation?.id, model, stream, maxTokens, replyCount };
}

function rootError({ status, finish, errorCode }: Settlement): string | undefined {
  if (status >= 500 || finish === 'upstream_error') return errorCode ?? finish;
  return undefined;
}

/** Those that failed, in their order, and the one that ended the call where that is another. */
function attemptsOf({ attempts, record, settlement }: ServedCall): TracedAttempt[] {
  const { current, failures } = attempts;
  const told = new Set<unknown>();
  const tried: TracedAttempt[] = [];
  for (const { attempt, endedMs, kind, status } of failures) {
    // Without one, or with one that failed before: it got no room in a provider's account, and was not sent.
    if (attempt === undefined || told.has(attempt)) continue;
    told.add(attempt);
    const error = status === undefined ? kind : String(status);
    tried.push({ ...sentOf(attempt), endedMs, error });
  }
  if (current === undefined || told.has(current)) return tried;
  const endedMs = performance.now();
  const firstChunkMs = record.firstTokenMs === undefined ? undefined : endedMs - record.latencyMs + record.firstTokenMs;
  tried.push({ ...sentOf(current), endedMs, error: lastError(settlement), served: { firstChunkMs, record } });
  return tried;
}

function sentOf({ call, startedMs, status }: UpstreamAttempt) {
  return { candidate: call.candidate, startedMs, status };
}

function lastError({ status, finish, errorCode }: Settlement): string | undefined {
  if (finish === 'upstream_error') return errorCode ?? finish;
  if (finish === 'upstream_rejected') return String(status);
  return status === 499 ? finish : undefined;
}
