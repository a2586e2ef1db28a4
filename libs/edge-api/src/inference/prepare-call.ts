import { costNanoUsd, GatewayError, priceAt, usdFromNano, type Model } from '@switchboard/contracts';
import {
  editOf,
  adaptConversation,
  formatLosses,
  isStreamed,
  jsonOfName,
  removeMember,
  spliceBytes,
  usesTools,
  type Adaptation,
  type ByteEdit,
  type Conversation,
  type Dialect,
  type DialectId,
  type EncodeContext,
  type JsonObject,
  type JsonSpan,
  type Loss,
  type ReplyContext,
  type TapContext,
  type Usage,
} from '@switchboard/protocol';
import { KINDS } from '@switchboard/upstreams';
import { likelyInputTokens } from '../core/input-estimate';
import { insertMembers } from '../core/insert-members';
import type { Candidate } from '../core/plan';
import { askForReasoning } from '../core/storage-request';
import { gatewayFault } from '../core/upstream-failure';
import { faultError, type InferenceRequest } from './inference-request';
import { capOutput } from './output-cap';
import { PatientRelay } from './patient-relay';
import { PassThroughRelay, TranslatingRelay, type Relay } from './relay';

/** A call ready to be sent to one candidate, and how its reply is to be read. */
export interface PreparedCall {
  candidate: Candidate;
  body: Buffer;
  /** Same dialect on both sides, and nothing in the request that only we can read. */
  passThrough: boolean;
  requestLosses: readonly Loss[];
  reply: ReplyContext;
  /** What is to be undone on the reply, where the model takes not all that the request has. */
  adaptation?: Adaptation | undefined;
}

/** Of losses in an error message; a long conversation has thousands of one kind. */
const SHOWN_PATHS = 10;

const NO_LOSSES: readonly Loss[] = [];
const NO_NAMES: ReplyContext = { toolNames: new Map() };
const ID_PREFIXES: Readonly<Record<DialectId, string>> = {
  'anthropic-messages': 'msg_',
  'openai-chat': 'chatcmpl-',
  'openai-responses': 'resp_',
};
const INCLUDE_USAGE = '"stream_options":{"include_usage":true},';

/**
 * A request that trips over a fault of ours gets an error, and the next one is served.
 *
 * @param outputTokensMost the most tokens that the upstream may be asked for, whatever the client asked; at least 1. Of
 * each reply where the client wants several (Chat's `n`). Absent: what the client asked for
 */
export function prepareCall(
  request: InferenceRequest,
  candidate: Candidate,
  outputTokensMost?: number,
): PreparedCall | GatewayError {
  const { stored, strict } = request;
  if (stored !== undefined && strict && stored.losses.length > 0) return strictRefusal(stored.losses);
  try {
    return passesThrough(request, candidate)
      ? preparePassThrough(request, candidate, outputTokensMost)
      : prepareTranslation(request, candidate, outputTokensMost);
  } catch (error) {
    return gatewayFault(error);
  }
}

/** One dialect on both sides, and nothing that has to be said otherwise to the model; what is no conversation always. */
function passesThrough(request: InferenceRequest, { model, dialect }: Candidate): boolean {
  if (request.operation !== undefined) return true;
  if (request.dialect.id !== dialect.id || request.holdsOwnMarks) return false;
  if (model.capabilities.tools !== 'emulated') return true;
  const decoded = request.conversation();
  return !decoded.ok || !usesTools(decoded.value);
}

/** The client's bytes, but for the model name and its fallbacks, a cap on the output and, on Chat streams, the usage we need to bill. */
function preparePassThrough(request: InferenceRequest, candidate: Candidate, outputTokensMost?: number): PreparedCall {
  const { sniffed, body } = request;
  const edits: ByteEdit[] = [];
  const { model, models: fallbacks, stream_options: streamOptions } = sniffed.spans;
  if (model !== undefined && sniffed.model !== candidate.upstream.model) {
    edits.push(editOf(model, jsonOfName(candidate.upstream.model)));
  }
  if (request.dialect.id === 'openai-chat' && request.stream && !sniffed.includeUsage) {
    edits.push(usageEdit(body, streamOptions));
  }
  // For us; an upstream that knows it (OpenRouter) would choose by itself.
  if (fallbacks !== undefined) edits.push(removeMember(body, fallbacks));
  if (request.stored?.stores === true && candidate.model.capabilities.reasoning) edits.push(...askForReasoning(body));
  if (outputTokensMost !== undefined) edits.push(...capOutput(request, candidate, outputTokensMost));
  // What is put in at a place comes before what is taken out from there on.
  if (edits.length > 1) edits.sort((left, right) => left.start - right.start || left.end - right.end);
  return {
    candidate,
    body: spliceBytes(body, edits),
    passThrough: true,
    requestLosses: request.stored?.losses ?? NO_LOSSES,
    reply: NO_NAMES,
  };
}

function usageEdit(body: Buffer, span: JsonSpan | undefined): ByteEdit {
  if (span === undefined) return insertMembers(body, INCLUDE_USAGE);
  const given: unknown = JSON.parse(body.toString('utf8', span.start, span.end));
  const options = typeof given === 'object' && given !== null ? given : {};
  return editOf(span, JSON.stringify({ ...options, include_usage: true }));
}

function prepareTranslation(
  request: InferenceRequest,
  candidate: Candidate,
  outputTokensMost?: number,
): PreparedCall | GatewayError {
  const decoded = request.conversation();
  if (!decoded.ok) return faultError(decoded.fault);
  const { model, upstream, provider, dialect } = candidate;
  const { capabilities } = model;
  const customTools = KINDS[provider.kind].takesCustomTools === true;
  const adapted = adaptConversation(capped(decoded.value, model, outputTokensMost), {
    customTools,
    tools: capabilities.tools === 'emulated' ? 'emulated' : 'native',
    structuredOutputs: capabilities.structuredOutputs,
  });
  if (!adapted.ok) return faultError(adapted.fault);
  const { conversation, own } = splitOwn(adapted.conversation, request.dialect.id === dialect.id);
  const encoded = dialect.encodeRequest(conversation, {
    model: upstream.model,
    maxOutputTokens: model.maxOutputTokens,
    vision: capabilities.vision,
    documents: capabilities.documents,
    reasoning: capabilities.reasoning,
    customTools,
  });
  if (!encoded.ok) return faultError(encoded.fault);
  const reply: ReplyContext = { toolNames: encoded.toolNames };
  if (conversation.stopSequences !== undefined) reply.stopSequences = conversation.stopSequences;
  const losses = adapted.losses.length === 0 ? encoded.losses : [...adapted.losses, ...encoded.losses];
  if (request.strict && losses.length > 0) return strictRefusal(losses);
  return {
    candidate,
    body: Buffer.from(JSON.stringify(own === undefined ? encoded.body : { ...own, ...encoded.body })),
    passThrough: false,
    requestLosses: request.stored === undefined ? losses : [...request.stored.losses, ...losses],
    reply,
    adaptation: adapted.adaptation,
  };
}

/** Members of the body that one dialect alone has: they go on as they came where it is the upstream's too. */
function splitOwn(
  conversation: Conversation,
  isSameDialect: boolean,
): { conversation: Conversation; own: JsonObject | undefined } {
  if (!isSameDialect) return { conversation, own: undefined };
  const own: JsonObject = {};
  const unmapped = conversation.unmapped.filter(({ path, value }) => {
    const isMember = !/[.[]/.test(path);
    if (isMember) own[path] = value;
    return !isMember;
  });
  return { conversation: { ...conversation, unmapped }, own };
}

/** As if the client had asked for no more, so that all that follows from its maximum (a thinking budget) follows too. */
function capped(conversation: Conversation, model: Model, outputTokensMost: number | undefined): Conversation {
  if (outputTokensMost === undefined) return conversation;
  const asked = conversation.maxOutputTokens ?? model.maxOutputTokens;
  return { ...conversation, maxOutputTokens: Math.min(asked, outputTokensMost) };
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

export function tapContext(request: InferenceRequest, { candidate }: PreparedCall, startedAtMs: number): TapContext {
  const costUsd = costFor(candidate, startedAtMs);
  const repair = KINDS[candidate.provider.kind].repairsReplies === true;
  return { model: candidate.model.id, includeUsage: request.sniffed.includeUsage, costUsd, repair };
}

export function encodeContext(
  request: InferenceRequest,
  { candidate, body }: PreparedCall,
  requestId: string,
  startedAtMs: number,
): EncodeContext {
  const { decodedBody, dialect, sniffed } = request;
  const context: EncodeContext = {
    model: candidate.model.id,
    id: ID_PREFIXES[dialect.id] + requestId.slice(requestId.indexOf('_') + 1),
    createdAtSeconds: Math.floor(startedAtMs / 1000),
    includeUsage: sniffed.includeUsage,
    costUsd: costFor(candidate, startedAtMs),
  };
  if (dialect.id === 'openai-responses' && decodedBody !== undefined)
    context.request = { ...decodedBody, ...request.stored?.echo };
  if (request.stream && dialect.id === 'anthropic-messages') context.likelyInputTokens = likelyInputTokens(body);
  return context;
}

export function createRelay(
  request: InferenceRequest,
  call: PreparedCall,
  requestId: string,
  startedAtMs: number,
): Relay {
  const { dialect } = call.candidate;
  const relay = call.passThrough
    ? new PassThroughRelay(watching(request), tapContext(request, call, startedAtMs))
    : new TranslatingRelay(
        dialect,
        request.dialect,
        call.reply,
        encodeContext(request, call, requestId, startedAtMs),
        call.adaptation,
      );
  const watched = request.stored?.relay(relay) ?? relay;
  return dialect.id === 'openai-responses' && request.operation === undefined ? new PatientRelay(watched) : watched;
}

function watching({ dialect, operation }: InferenceRequest): Pick<Dialect, 'streamTap'> {
  return operation !== undefined && isStreamed(operation) ? operation : dialect;
}

function costFor({ model }: Candidate, startedAtMs: number): (usage: Usage) => number {
  const { prices } = priceAt(model, startedAtMs);
  return (usage) => usdFromNano(costNanoUsd(usage, prices));
}
