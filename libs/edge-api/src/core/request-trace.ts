import { formatTraceparent, isSampled, parseTraceparent, readTracestate, SAMPLED } from '@switchboard/contracts';
import { newSpanId, newTraceId } from '@switchboard/platform';
import type { RouteHeaders } from './routes';

/** Of the client's request, where it sent a context; everything as it came. */
export interface ReceivedContext {
  traceId: string;
  spanId: string;
  flags: number;
  traceparent: string;
  tracestate: string | undefined;
}

/**
 * The trace of one request: that of its client, or one of its own. Made only where it is sampled or its client sent a
 * context: for all others nothing is, until they turn out to be worth keeping.
 */
export class RequestTrace {
  /** Ids are made where somebody is told of them before the span ends. */
  private readonly attemptSpanIds: (string | undefined)[] = [];
  private admission: string | undefined;

  constructor(
    readonly traceId: string,
    /** Of the span of the whole request. */
    readonly spanId: string,
    readonly flags: number,
    readonly received: ReceivedContext | undefined,
  ) {}

  /** Not sampled: only passed on. */
  get isSampled(): boolean {
    return isSampled(this);
  }

  /** What belongs below the whole request is told this. */
  get traceparent(): string {
    return formatTraceparent(this);
  }

  get admissionSpanId(): string {
    return (this.admission ??= newSpanId());
  }

  /** For who admits; undefined: it is not sampled. */
  get admissionTraceparent(): string | undefined {
    return this.isSampled ? formatTraceparent({ ...this.context, spanId: this.admissionSpanId }) : undefined;
  }

  /** `attempt`: from 1. */
  attemptSpanId(attempt: number): string {
    return (this.attemptSpanIds[attempt - 1] ??= newSpanId());
  }

  /** Adds the context to the headers (name, value, …) of an attempt, from 1, and gives them back. */
  passOn(headers: string[], attempt: number): string[] {
    const { received } = this;
    // What is not sampled has no span that anybody could find: its client's own stays the parent.
    const traceparent = this.isSampled
      ? formatTraceparent({ ...this.context, spanId: this.attemptSpanId(attempt) })
      : received?.traceparent;
    if (traceparent !== undefined) headers.push('traceparent', traceparent);
    if (received?.tracestate !== undefined) headers.push('tracestate', received.tracestate);
    return headers;
  }

  private get context(): { traceId: string; flags: number } {
    return { traceId: this.traceId, flags: this.flags };
  }
}

/** Undefined: it sent none, or garbage. */
export function receivedContext(headers: RouteHeaders): ReceivedContext | undefined {
  const { traceparent } = headers;
  const context = parseTraceparent(traceparent);
  if (context === undefined || typeof traceparent !== 'string') return undefined;
  return { ...context, traceparent, tracestate: readTracestate(headers['tracestate']) };
}

/** The head decision: the client's where it made one, else one request in so many. Undefined: neither. */
export function beginTrace(headers: RouteHeaders, ratio: number, random: number): RequestTrace | undefined {
  const received = headers['traceparent'] === undefined ? undefined : receivedContext(headers);
  if (received === undefined) return random < ratio ? ownTrace() : undefined;
  return new RequestTrace(received.traceId, isSampled(received) ? newSpanId() : '', received.flags, received);
}

/** Of a request that turned out to be worth keeping: in the client's trace, if it sent one. */
export function lateTrace(trace: RequestTrace | undefined): RequestTrace {
  const received = trace?.received;
  if (received === undefined) return ownTrace();
  return new RequestTrace(received.traceId, newSpanId(), received.flags | SAMPLED, received);
}

function ownTrace(): RequestTrace {
  return new RequestTrace(newTraceId(), newSpanId(), SAMPLED, undefined);
}
