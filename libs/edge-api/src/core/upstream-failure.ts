import { GatewayError } from '@switchboard/contracts';
import type { StreamFailure, UpstreamError } from '@switchboard/protocol';
import type { FailedCall } from '@switchboard/upstreams';
import type { Candidate } from './plan';

/** Why one attempt gave nothing that could be sent on. */
export interface UpstreamFailure extends FailedCall {
  provider: string;
  error?: UpstreamError;
  /** Whole seconds, as the upstream asked. */
  retryAfterSeconds?: number;
  /** For the log only. */
  cause?: unknown;
}

/**
 * Statuses that another upstream may well answer differently: our account there (401, 402, 403), its copy of the model
 * (404), its load and its faults. Any other 4xx is about the request itself and would be refused everywhere.
 */
export function isRetryableElsewhere(status: number): boolean {
  return (
    status >= 500 ||
    status === 401 ||
    status === 402 ||
    status === 403 ||
    status === 404 ||
    status === 408 ||
    status === 429
  );
}

/**
 * The upstream has nothing at that path, or not for that model: OpenAI's chat models are not found at its older
 * completions. It may serve other calls all the same.
 */
export function lacksEndpoint({ status }: UpstreamFailure): boolean {
  return status === 404 || status === 501;
}

/** The one error told after every candidate failed; `failures` in order, never empty. */
export function finalError(failures: readonly UpstreamFailure[]): GatewayError {
  const last = failures.at(-1);
  if (last?.kind === 'shutdown') {
    return new GatewayError('shutting_down', 'The gateway is shutting down. Try again.', { retryAfterSeconds: 1 });
  }
  if (last?.kind === 'gateway') return gatewayFault(last.cause);
  const retryAfterSeconds = Math.min(...failures.map((failure) => failure.retryAfterSeconds ?? Infinity));
  const extra = Number.isFinite(retryAfterSeconds) ? { retryAfterSeconds } : {};
  if (failures.every((failure) => failure.status === 429)) return rateLimited(last, extra);
  if (failures.every(isOverloaded)) {
    return new GatewayError(
      'upstream_overloaded',
      'Every upstream for this model is overloaded. Try again shortly.',
      extra,
    );
  }
  if (last?.kind === 'timeout') {
    return new GatewayError('upstream_timeout', 'The upstream did not begin to answer in time.', { cause: last.cause });
  }
  if (last?.status === 404 && last.error !== undefined) return upstreamRejection(last.error);
  return new GatewayError('upstream_error', upstreamErrorMessage(last), { cause: last?.cause });
}

/** How an attempt that failed after the first byte is told: inside the stream it began. */
export function streamFailure({ kind }: UpstreamFailure): StreamFailure {
  switch (kind) {
    case 'timeout':
      return { kind, message: 'The upstream stopped sending and the stream was ended.' };
    case 'shutdown':
      return { kind: 'gateway', message: 'The gateway is shutting down and the stream was ended.' };
    case 'gateway':
      return {
        kind: 'gateway',
        message: 'The gateway failed while it translated the reply, and the stream was ended.',
      };
    default:
      return { kind: 'truncated', message: 'The connection to the upstream broke before the reply was complete.' };
  }
}

/** A stream that failed before anything of it was sent on is a failed attempt like any other. */
export function failureBeforeFirstByte(provider: string, { kind, type, message }: StreamFailure): UpstreamFailure {
  return {
    provider,
    kind: kind === 'upstream' ? 'rejected' : kind === 'malformed' ? 'malformed' : 'broken',
    ...(type !== undefined && { error: { status: 502, type, message } }),
    cause: new Error(message),
  };
}

/** What a stream that failed after its first byte says of the upstream. */
export function attemptKind({ kind }: StreamFailure): UpstreamFailure['kind'] {
  switch (kind) {
    case 'timeout':
    case 'malformed':
    case 'gateway':
      return kind;
    default:
      return 'broken';
  }
}

/** Nothing was tried, since every upstream failed others a moment ago. `candidates`: not empty. */
export function allOpen(candidates: readonly Candidate[], nowMs: number): GatewayError {
  const waitMs = Math.min(...candidates.map(({ health }) => health.closedForMs(nowMs)));
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  if (candidates.every(({ health }) => health.parkedForMs(nowMs) > 0)) {
    return new GatewayError('rate_limited_requests', 'Every upstream for this model is limiting requests.', {
      retryAfterSeconds,
    });
  }
  const refused = candidates.every(({ health }) => health.account.refusal !== undefined);
  const why = refused
    ? 'Every upstream for this model refuses the credentials or the account this gateway holds for it. Its operator has to act.'
    : 'No upstream for this model is answering: each failed a moment ago and is tried again shortly.';
  return new GatewayError('upstream_error', why, { retryAfterSeconds });
}

/** The upstream's own refusal of the request: its status and its words, in the client's shape. */
export function upstreamRejection(error: UpstreamError): GatewayError {
  return new GatewayError('upstream_rejected', error.message, {
    status: error.status,
    type: error.type,
    ...(error.param !== undefined && { param: error.param }),
    ...(error.code !== undefined && { openaiCode: error.code }),
  });
}

/** A bug of ours: told without a word of what it was. */
export function gatewayFault(cause: unknown): GatewayError {
  return new GatewayError('internal', 'The gateway failed. The request id names the log entry.', { cause });
}

function rateLimited(last: UpstreamFailure | undefined, extra: { retryAfterSeconds?: number }): GatewayError {
  return new GatewayError('rate_limited_requests', last?.error?.message ?? 'The upstream is limiting requests.', extra);
}

function isOverloaded(failure: UpstreamFailure): boolean {
  return (
    failure.kind === 'saturated' ||
    failure.status === 429 ||
    failure.status === 529 ||
    failure.status === 503 ||
    failure.error?.type === 'overloaded_error'
  );
}

function upstreamErrorMessage(last: UpstreamFailure | undefined): string {
  switch (last?.kind) {
    case 'rejected':
      // In the first event of a stream that began with 200.
      if (last.status === undefined) return 'The upstream failed before it began to answer.';
      return last.status === 401 || last.status === 402 || last.status === 403
        ? 'The upstream refused the credentials or the account this gateway holds for it. Its operator has to act.'
        : `The upstream failed with HTTP status ${last.status}.`;
    case 'connect':
      return 'The upstream could not be reached.';
    case 'malformed':
      return 'The upstream sent a reply that could not be understood.';
    default:
      return 'The connection to the upstream broke before it answered.';
  }
}
