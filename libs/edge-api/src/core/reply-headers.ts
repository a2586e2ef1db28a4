import type { KeyRecord } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';
import type { LoggedCall } from './logged-call';
import type { RequestTrace } from './request-trace';
import type { RouteName } from './routes';

/** Header names that carry the brand, spelled out once per process. */
export interface HeaderNames {
  requestId: string;
  clientRequestId: string;
  upstream: string;
  attempts: string;
  translation: string;
  translationLoss: string;
  /** How the request was changed for a model that takes not all of it (`emulated-tools`). */
  adapted: string;
  tokenCount: string;
  /** Of a request: models to go on to, between commas. */
  fallbacks: string;
  /** Of a request: asks for the next one in the reply. */
  routeDebug: string;
  route: string;
  /** In a comment of a stream that the gateway ended at a limit: which one. */
  stopped: string;
}

export type ReplyHeaders = Record<string, string | number>;

export function headerNames(slug: string): HeaderNames {
  return {
    requestId: `x-${slug}-request-id`,
    clientRequestId: `x-${slug}-client-request-id`,
    upstream: `x-${slug}-upstream`,
    attempts: `x-${slug}-attempts`,
    translation: `x-${slug}-translation`,
    translationLoss: `x-${slug}-translation-loss`,
    adapted: `x-${slug}-adapted`,
    tokenCount: `x-${slug}-token-count`,
    fallbacks: `x-${slug}-fallbacks`,
    routeDebug: `x-${slug}-route-debug`,
    route: `x-${slug}-route`,
    stopped: `x-${slug}-stopped`,
  };
}

/** What one request is known by; the client's own id is echoed, never taken over. */
export interface RequestIdentity {
  requestId: string;
  clientRequestId: string | undefined;
  /** The `Origin` header of a browser. */
  origin: string | undefined;
  /** Absent: the key does not ask for its calls to be logged. */
  call?: LoggedCall | undefined;
  /** Who asks; undefined until that is known. */
  key: KeyRecord | undefined;
  /** As it came. */
  url: string;
  /** Undefined: there is none at that path. */
  route: RouteName | undefined;
  /** Monotonic: when its head was in. */
  startedMs: number;
  /** When the limiter was asked; 0: it was not. */
  admissionMs: number;
  /** Absent: it is not sampled, and its client sent no context to pass on. */
  trace: RequestTrace | undefined;
}

/** Headers on every reply: ids in our name and in the one the client's SDK reads, and CORS where a browser asks. */
export function identityHeaders(names: HeaderNames, dialect: DialectId, identity: RequestIdentity): ReplyHeaders {
  const headers: ReplyHeaders = {};
  // Not as a computed name of the literal, which calls into the runtime: half a microsecond.
  headers[names.requestId] = identity.requestId;
  headers[dialect === 'anthropic-messages' ? 'request-id' : 'x-request-id'] = identity.requestId;
  if (identity.clientRequestId !== undefined) headers[names.clientRequestId] = identity.clientRequestId;
  if (identity.origin !== undefined) {
    headers['access-control-allow-origin'] = identity.origin;
    headers['access-control-expose-headers'] = '*';
    headers['vary'] = 'origin';
  }
  return headers;
}

/** A client's id is echoed in a header: anything that could not have been one is left out. */
export function readClientRequestId(header: string | string[] | undefined): string | undefined {
  const value = Array.isArray(header) ? header[0] : header;
  return value !== undefined && /^[\x21-\x7e]{1,128}$/.test(value) ? value : undefined;
}
