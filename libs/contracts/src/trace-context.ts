/** Where a span belongs, as W3C Trace Context writes it: https://www.w3.org/TR/trace-context/ (version 00). */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all zero. */
  traceId: string;
  /** Of the span that is the parent of whatever comes next: 16 such digits. */
  spanId: string;
  /** 0 to 255; bit 0: sampled. */
  flags: number;
}

export const SAMPLED = 1;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const VERSION_FORBIDDEN = 'ff';
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

const TRACESTATE_LENGTH_MAX = 512;
const TRACESTATE_MEMBERS_MAX = 32;
const TRACESTATE_MEMBER =
  /^[a-z0-9][-_*/@a-z0-9]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** Undefined: it is none, and counts as not sent. A later version is read as far as this one goes, as the standard asks. */
export function parseTraceparent(header: unknown): TraceContext | undefined {
  if (typeof header !== 'string') return undefined;
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(header) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === VERSION_FORBIDDEN || (version === '00' && rest !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}

export function isSampled({ flags }: TraceContext): boolean {
  return (flags & SAMPLED) === SAMPLED;
}

/** Vendors' own state, to be passed on as it came; undefined: there is none, or it is none. */
export function readTracestate(header: unknown): string | undefined {
  if (typeof header !== 'string' || header === '' || header.length > TRACESTATE_LENGTH_MAX) return undefined;
  const members = header.split(',').map((member) => member.trim());
  if (members.length > TRACESTATE_MEMBERS_MAX) return undefined;
  return members.every((member) => member === '' || TRACESTATE_MEMBER.test(member)) ? header : undefined;
}
