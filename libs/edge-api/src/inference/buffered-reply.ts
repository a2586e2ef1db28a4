import type { GatewayError } from '@switchboard/contracts';
import type { Adaptation, Loss, Usage } from '@switchboard/protocol';
import { adaptReply, isJsonObject, type JsonObject } from '@switchboard/protocol';
import { KINDS } from '@switchboard/upstreams';
import { generatedBytes } from '../core/generated-bytes';
import { isRetryableElsewhere, upstreamRejection, type UpstreamFailure } from '../core/upstream-failure';
import type { InferenceRequest } from './inference-request';
import { encodeContext, tapContext } from './prepare-call';
import type { UpstreamAttempt } from './upstream-attempt';

/** What a whole (not streamed) upstream answer turned out to be. */
export type BufferedReply =
  | {
      kind: 'reply';
      body: Buffer;
      usage: Usage | undefined;
      finish: string | undefined;
      losses: readonly Loss[];
      /** UTF-8 bytes of generated text; counted only where the upstream told no usage. */
      outputBytes: number;
    }
  /** About the request itself: told to the client. `body` is the upstream's own where the dialect is the same. */
  | { kind: 'rejected'; status: number; error: GatewayError; body: Buffer | undefined; headers: Record<string, string> }
  /** About the upstream: another candidate may do better. */
  | { kind: 'failure'; failure: UpstreamFailure };

const NO_CHANGES: Adaptation = [];

/** Headers of an upstream's refusal that its client acts on. */
const FORWARDED_ERROR_HEADERS = ['retry-after', 'retry-after-ms', 'x-should-retry'];

export function readReply(
  request: InferenceRequest,
  attempt: UpstreamAttempt,
  body: Buffer,
  requestId: string,
  startedAtMs: number,
): BufferedReply {
  if (attempt.status >= 300) return readRefusal(attempt, body);
  // A stream was asked for and something else came.
  if (request.stream) return malformed(attempt, 'no event stream');
  const { call } = attempt;
  if (call.passThrough) {
    const tapped = (request.operation ?? request.dialect).tapReply(body, tapContext(request, call, startedAtMs));
    if (tapped.failure !== undefined) return malformed(attempt, tapped.failure.message);
    const outputBytes = tapped.usage === undefined ? writtenIn(request, body) : 0;
    const told = request.stored?.reply(tapped.body, true) ?? tapped.body;
    return { kind: 'reply', body: told, usage: tapped.usage, finish: tapped.finish, losses: [], outputBytes };
  }
  const wire = parseObject(body);
  if (wire === undefined) return malformed(attempt, 'no JSON object');
  const decoded = call.candidate.dialect.decodeReply(wire, call.reply);
  if (!decoded.ok) return malformed(attempt, decoded.fault.message);
  const adapted = adaptReply(decoded.value, call.adaptation ?? NO_CHANGES);
  if (!adapted.ok) return malformed(attempt, adapted.fault.message);
  const context = encodeContext(request, call, requestId, startedAtMs);
  // The upstream's id has the form of its own dialect; ours has the client's, and leads to the request.
  const encoded = request.dialect.encodeReply({ ...adapted.value, id: context.id }, context);
  const told = Buffer.from(JSON.stringify(encoded.body));
  return {
    kind: 'reply',
    body: request.stored?.reply(told, false) ?? told,
    usage: decoded.value.usage,
    finish: adapted.value.finish,
    losses: [...adapted.losses, ...encoded.losses],
    outputBytes: decoded.value.usage === undefined ? generatedBytes(decoded.value.parts) : 0,
  };
}

function readRefusal(attempt: UpstreamAttempt, body: Buffer): BufferedReply {
  const { status, headers, call } = attempt;
  const { id: provider, kind } = call.candidate.provider;
  // A redirect of an inference call is a wrong base URL.
  if (status < 400) return malformed(attempt, `redirected with status ${status}`);
  const error = call.candidate.dialect.decodeError(status, body.toString('utf8'));
  if (isRetryableElsewhere(status)) {
    const retryAfterMs = KINDS[kind].retryAfterMs(headers, Date.now()) ?? 0;
    return {
      kind: 'failure',
      failure: {
        provider,
        kind: 'rejected',
        status,
        error,
        ...(retryAfterMs > 0 && { retryAfterSeconds: Math.ceil(retryAfterMs / 1000) }),
      },
    };
  }
  const forwarded: Record<string, string> = {};
  for (const name of FORWARDED_ERROR_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string') forwarded[name] = value;
  }
  const sameShape = call.passThrough && parseObject(body) !== undefined;
  return {
    kind: 'rejected',
    status,
    error: upstreamRejection(error),
    body: sameShape ? body : undefined,
    headers: forwarded,
  };
}

function malformed(attempt: UpstreamAttempt, reason: string): BufferedReply {
  const provider = attempt.call.candidate.provider.id;
  return {
    kind: 'failure',
    failure: { provider, kind: 'malformed', status: attempt.status, cause: new Error(`malformed reply: ${reason}`) },
  };
}

/** Parses what otherwise passes through unparsed: the rare upstream that tells no usage is worth it. */
function writtenIn({ dialect, operation }: InferenceRequest, body: Buffer): number {
  if (operation !== undefined) return operation.writtenBytes(body);
  const wire = parseObject(body);
  const decoded = wire && dialect.decodeReply(wire, { toolNames: new Map() });
  return decoded?.ok === true ? generatedBytes(decoded.value.parts) : body.length;
}

function parseObject(body: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Not JSON at all; what that means is the caller's business.
    return undefined;
  }
}
