import { scopeName, type KeyRecord, type UsageRecordedV1 } from '@switchboard/contracts';
import type { FinishedSpan, SpanAttributes } from '@switchboard/platform';
import { totalInputTokens, type OperationId } from '@switchboard/protocol';
import { genAiOperation, genAiProvider } from './gen-ai-names';
import type { Candidate } from './plan';
import { ROUTE_PATHS, type RouteName } from './routes';

/**
 * What is told of a traced request. Names are OpenTelemetry's: of HTTP and errors semantic-conventions v1.45.0 (stable), of
 * messages the same (in development), of models semantic-conventions-genai v0.1.0 (in development). What they have no name
 * for is `switchboard.*`. Nothing of a prompt or a reply is ever among it.
 */
export interface TracedRequest {
  trace: SpanIds;
  /** Why it is kept: what is sampled stands for all requests, what is kept beside does not. */
  kept: 'sampled' | 'error' | 'slow';
  requestId: string;
  key: KeyRecord | undefined;
  method: string;
  /** As it came, query included. */
  url: string;
  route: RouteName | undefined;
  userAgent: string | undefined;
  /** Undefined: it never was a call of a model. */
  asked: AskedModel | undefined;
  status: number;
  error: string | undefined;
  /** Monotonic, as all times here. */
  startedMs: number;
  endedMs: number;
  /** Undefined: nobody was asked. */
  admission: { startedMs: number; endedMs: number; error: string | undefined } | undefined;
  attempts: readonly TracedAttempt[];
}

export interface SpanIds {
  traceId: string;
  spanId: string;
  received: { spanId: string; tracestate: string | undefined } | undefined;
  readonly admissionSpanId: string;
  /** `attempt`: from 1. */
  attemptSpanId(attempt: number): string;
}

export interface AskedModel {
  operation: OperationId | undefined;
  /** As the client named it. */
  model: string;
  stream: boolean;
  maxTokens: number | undefined;
  replyCount: number;
}

/** A call that was sent to an upstream. */
export interface TracedAttempt {
  candidate: Candidate;
  startedMs: number;
  endedMs: number;
  /** 0: none came. */
  status: number;
  error: string | undefined;
  /** Of the one whose reply the client got. */
  served?: { firstChunkMs: number | undefined; record: UsageRecordedV1 } | undefined;
}

/** The request's own span first. */
export function requestSpans(request: TracedRequest): FinishedSpan[] {
  const spans = [rootSpan(request)];
  if (request.admission !== undefined) spans.push(admissionSpan(request, request.admission));
  request.attempts.forEach((attempt, index) => spans.push(attemptSpan(request, attempt, index + 1)));
  return spans;
}

function rootSpan(request: TracedRequest): FinishedSpan {
  const { trace, method, url, key, asked, startedMs, endedMs, error } = request;
  const route = request.route && ROUTE_PATHS[request.route];
  const queryStart = url.indexOf('?');
  return {
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentSpanId: trace.received?.spanId,
    hasRemoteParent: true,
    traceState: trace.received?.tracestate,
    name: route === undefined ? method : `${method} ${route}`,
    kind: 'server',
    ...{ startedMs, endedMs, error },
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': request.status,
      'url.path': queryStart === -1 ? url : url.slice(0, queryStart),
      'url.scheme': 'http',
      'user_agent.original': request.userAgent,
      'switchboard.request.id': request.requestId,
      'switchboard.tenant.id': key?.tenant.id,
      'switchboard.key.id': key?.id,
      'switchboard.requested_model': asked?.model,
      'switchboard.attempts': request.attempts.length,
      'switchboard.trace.kept': request.kept,
    },
  };
}

function admissionSpan(
  { trace, key }: TracedRequest,
  { startedMs, endedMs, error }: NonNullable<TracedRequest['admission']>,
): FinishedSpan {
  return {
    ...below(trace, trace.admissionSpanId),
    ...{ name: 'reserve', kind: 'client', startedMs, endedMs, error },
    attributes: { 'switchboard.admission.group': key && scopeName.tenant(key.tenant.id) },
  };
}

function attemptSpan({ trace, asked }: TracedRequest, attempt: TracedAttempt, number: number): FinishedSpan {
  const { candidate, startedMs, endedMs, error, status } = attempt;
  const operation = genAiOperation(asked?.operation);
  return {
    ...below(trace, trace.attemptSpanId(number)),
    name: `${operation} ${candidate.upstream.model}`,
    kind: 'client',
    ...{ startedMs, endedMs, error },
    attributes: {
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': genAiProvider(candidate.provider),
      'gen_ai.request.model': candidate.upstream.model,
      'gen_ai.request.stream': asked?.stream,
      'gen_ai.request.max_tokens': asked?.maxTokens,
      'gen_ai.request.choice.count': asked === undefined || asked.replyCount < 2 ? undefined : asked.replyCount,
      ...addressOf(candidate.provider.baseUrl),
      'http.request.method': 'POST',
      'http.request.resend_count': number === 1 ? undefined : number - 1,
      'http.response.status_code': status === 0 ? undefined : status,
      'switchboard.model': candidate.model.id,
      'switchboard.provider.id': candidate.provider.id,
      ...servedAttributes(attempt),
    },
  };
}

function servedAttributes({ served, startedMs }: TracedAttempt): SpanAttributes {
  if (served === undefined) return {};
  const { record, firstChunkMs } = served;
  const { usage } = record;
  return {
    'gen_ai.response.finish_reasons': [record.finish],
    'gen_ai.response.time_to_first_chunk': firstChunkMs === undefined ? undefined : (firstChunkMs - startedMs) / 1000,
    // All of them, as the conventions ask; the next two are parts of it.
    'gen_ai.usage.input_tokens': totalInputTokens(usage),
    'gen_ai.usage.cache_read.input_tokens': usage.cacheReadTokens,
    'gen_ai.usage.cache_creation.input_tokens': usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'gen_ai.usage.reasoning.output_tokens': usage.reasoningTokens,
    'switchboard.usage.accuracy': record.accuracy,
    'switchboard.cost_nano_usd': record.costNanoUsd,
  };
}

function addressOf(baseUrl: string): SpanAttributes {
  const { hostname, port, protocol } = new URL(baseUrl);
  return {
    'server.address': hostname.replace(/^\[(.*)\]$/, '$1'),
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  };
}

function below(
  trace: SpanIds,
  spanId: string,
): Pick<FinishedSpan, 'traceId' | 'spanId' | 'parentSpanId' | 'traceState'> {
  return { traceId: trace.traceId, spanId, parentSpanId: trace.spanId, traceState: trace.received?.tracestate };
}
