import { randomBytes } from 'node:crypto';

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** Undefined ones are left out. */
export type SpanAttributes = Record<string, string | number | boolean | string[] | undefined>;

/** One step of a traced call, told once it is over. */
export interface FinishedSpan {
  /** As of TraceContext. */
  traceId: string;
  spanId: string;
  /** Absent: it is the root of its trace. */
  parentSpanId?: string | undefined;
  /** The parent is a span of another process. */
  hasRemoteParent?: boolean;
  traceState?: string | undefined;
  name: string;
  kind: SpanKind;
  /** Monotonic milliseconds of this process, as of `performance.now()`. */
  startedMs: number;
  endedMs: number;
  attributes: SpanAttributes;
  /** What it failed of, one of few words (`error.type`); absent: it did not. */
  error?: string | undefined;
}

/** Port: where finished spans go. */
export interface SpanSink {
  /** Returns at once and never throws; what cannot be held is dropped, and counted. */
  record(span: FinishedSpan): void;
}

export function newTraceId(): string {
  return randomBytes(16).toString('hex');
}

export function newSpanId(): string {
  return randomBytes(8).toString('hex');
}
