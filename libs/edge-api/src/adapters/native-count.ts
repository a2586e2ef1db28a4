import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '@switchboard/contracts';
import { editOf, spliceBytes, type DialectId, type JsonSpan } from '@switchboard/protocol';
import type { Candidate } from '../core/plan';
import type { UpstreamPools } from './upstream-pools';
import { callHeaders, requestPath } from './upstream-request';

const TIMEOUT_MS = 5_000;
/** Where a provider counts, below the path of the call itself. */
const COUNTS_AT: Readonly<Record<DialectId, string | undefined>> = {
  'anthropic-messages': '/count_tokens',
  'openai-responses': '/input_tokens',
  'openai-chat': undefined,
};
/** Only those are known to count; compatible servers mostly do not have the endpoint. */
const COUNTING_KINDS: readonly Provider['kind'][] = ['anthropic', 'openai'];

export function countsNatively({ provider, dialect }: Candidate): boolean {
  return COUNTING_KINDS.includes(provider.kind) && COUNTS_AT[dialect.id] !== undefined;
}

/** The upstream's own count of a request's input tokens, in its dialect. Rejects where it gives none in time. */
export async function countNatively(
  pools: UpstreamPools,
  { provider, upstream, dialect }: Candidate,
  call: { body: Buffer; modelSpan: JsonSpan; headers: IncomingHttpHeaders; requestId: string },
): Promise<number> {
  const reply = await pools.get(provider).request({
    path: requestPath(provider, dialect.id, upstream.model, '') + (COUNTS_AT[dialect.id] ?? ''),
    method: 'POST',
    headers: callHeaders(provider, call.requestId, call.headers, false),
    body: spliceBytes(call.body, [editOf(call.modelSpan, JSON.stringify(upstream.model))]),
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const counted = (await reply.body.json()) as { input_tokens?: unknown };
  if (reply.statusCode !== 200 || typeof counted.input_tokens !== 'number') {
    throw new Error(`the upstream's token count answered with status ${reply.statusCode}`);
  }
  return counted.input_tokens;
}
