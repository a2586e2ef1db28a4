import { costNanoUsd, GatewayError, usdFromNano } from '@switchboard/contracts';
import {
  formatLosses,
  spliceBytes,
  type ByteEdit,
  type EncodeContext,
  type JsonSpan,
  type Loss,
  type ReplyContext,
  type TapContext,
  type Usage,
} from '@switchboard/protocol';
import type { Candidate } from '../core/plan';
import { gatewayFault } from '../core/upstream-failure';
import { faultError, type InferenceRequest } from './inference-request';
import { PassThroughRelay, TranslatingRelay, type Relay } from './relay';

/** A call ready to be sent to one candidate, and how its reply is to be read. */
export interface PreparedCall {
  candidate: Candidate;
  body: Buffer;
  /** Same dialect on both sides. */
  passThrough: boolean;
  requestLosses: readonly Loss[];
  reply: ReplyContext;
}

/** Of losses in an error message; a long conversation has thousands of one kind. */
const SHOWN_PATHS = 10;

const NO_LOSSES: readonly Loss[] = [];
const NO_NAMES: ReplyContext = { toolNames: new Map() };
const INCLUDE_USAGE = '"stream_options":{"include_usage":true},';

/** A request that trips over a fault of ours gets an error, and the next one is served. */
export function prepareCall(request: InferenceRequest, candidate: Candidate): PreparedCall | GatewayError {
  try {
    return request.dialect.id === candidate.dialect.id
      ? preparePassThrough(request, candidate)
      : prepareTranslation(request, candidate);
  } catch (error) {
    return gatewayFault(error);
  }
}

/** The client's bytes, but for the model name and, on Chat streams, the usage we need to bill. */
function preparePassThrough(request: InferenceRequest, candidate: Candidate): PreparedCall {
  const { sniffed, body } = request;
  const edits: ByteEdit[] = [];
  const { model, stream_options: streamOptions } = sniffed.spans;
  if (model !== undefined && sniffed.model !== candidate.upstream.model) {
    edits.push({ ...model, replacement: JSON.stringify(candidate.upstream.model) });
  }
  if (request.dialect.id === 'openai-chat' && sniffed.stream && !sniffed.includeUsage) {
    edits.push(usageEdit(body, streamOptions));
  }
  edits.sort((left, right) => left.start - right.start);
  return {
    candidate,
    body: spliceBytes(body, edits),
    passThrough: true,
    requestLosses: NO_LOSSES,
    reply: NO_NAMES,
  };
}

function usageEdit(body: Buffer, span: JsonSpan | undefined): ByteEdit {
  if (span === undefined) {
    const start = body.indexOf(0x7b) + 1;
    return { start, end: start, replacement: INCLUDE_USAGE };
  }
  const given: unknown = JSON.parse(body.toString('utf8', span.start, span.end));
  const options = typeof given === 'object' && given !== null ? given : {};
  return { ...span, replacement: JSON.stringify({ ...options, include_usage: true }) };
}

function prepareTranslation(request: InferenceRequest, candidate: Candidate): PreparedCall | GatewayError {
  const decoded = request.conversation();
  if (!decoded.ok) return faultError(decoded.fault);
  const { model, upstream, dialect } = candidate;
  const encoded = dialect.encodeRequest(decoded.value, {
    model: upstream.model,
    maxOutputTokens: model.maxOutputTokens,
    vision: model.capabilities.vision,
    documents: model.capabilities.documents,
    reasoning: model.capabilities.reasoning,
  });
  if (!encoded.ok) return faultError(encoded.fault);
  if (request.strict && encoded.losses.length > 0) return strictRefusal(encoded.losses);
  return {
    candidate,
    body: Buffer.from(JSON.stringify(encoded.body)),
    passThrough: false,
    requestLosses: encoded.losses,
    reply: {
      toolNames: encoded.toolNames,
      ...(decoded.value.stopSequences !== undefined && { stopSequences: decoded.value.stopSequences }),
    },
  };
}

function strictRefusal(losses: readonly Loss[]): GatewayError {
  const paths = losses.slice(0, SHOWN_PATHS).map(({ path }) => path);
  if (losses.length > SHOWN_PATHS) paths.push('…');
  return new GatewayError(
    'translation_loss',
    `Strict translation was asked for, and this request would lose: ${formatLosses(losses)} (at ${paths.join(', ')}).`,
    losses[0] === undefined ? {} : { param: losses[0].path },
  );
}

export function tapContext(request: InferenceRequest, { candidate }: PreparedCall): TapContext {
  return { model: candidate.model.id, includeUsage: request.sniffed.includeUsage, costUsd: costFor(candidate) };
}

export function encodeContext(
  request: InferenceRequest,
  { candidate }: PreparedCall,
  requestId: string,
  nowMs: number,
): EncodeContext {
  const bare = requestId.slice(requestId.indexOf('_') + 1);
  return {
    model: candidate.model.id,
    id: request.dialect.id === 'openai-chat' ? `chatcmpl-${bare}` : `msg_${bare}`,
    createdAtSeconds: Math.floor(nowMs / 1000),
    includeUsage: request.sniffed.includeUsage,
    costUsd: costFor(candidate),
  };
}

export function createRelay(request: InferenceRequest, call: PreparedCall, requestId: string, nowMs: number): Relay {
  if (call.passThrough) return new PassThroughRelay(request.dialect, tapContext(request, call));
  return new TranslatingRelay(
    call.candidate.dialect,
    request.dialect,
    call.reply,
    encodeContext(request, call, requestId, nowMs),
  );
}

function costFor({ model }: Candidate): (usage: Usage) => number {
  return (usage) => usdFromNano(costNanoUsd(usage, model.pricing));
}
