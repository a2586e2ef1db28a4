import type { IncomingHttpHeaders } from 'node:http';
import { spliceBytes, type JsonSpan } from '@switchboard/protocol';
import type { Candidate } from '../core/plan';
import type { UpstreamPools } from './upstream-pools';
import { callHeaders, requestPath } from './upstream-request';

const TIMEOUT_MS = 5_000;

/** The upstream's own count of an Anthropic request's input tokens. Rejects where it gives none in time. */
export async function countNatively(
  pools: UpstreamPools,
  { provider, upstream }: Candidate,
  call: { body: Buffer; modelSpan: JsonSpan; headers: IncomingHttpHeaders; requestId: string },
): Promise<number> {
  const reply = await pools.get(provider).request({
    path: `${requestPath(provider, upstream.model, '')}/count_tokens`,
    method: 'POST',
    headers: callHeaders(provider, call.requestId, call.headers, false),
    body: spliceBytes(call.body, [{ ...call.modelSpan, replacement: JSON.stringify(upstream.model) }]),
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const counted = (await reply.body.json()) as { input_tokens?: unknown };
  if (reply.statusCode !== 200 || typeof counted.input_tokens !== 'number') {
    throw new Error(`the upstream's token count answered with status ${reply.statusCode}`);
  }
  return counted.input_tokens;
}
