import { costNanoUsd, priceAt, type UsageIntent, withDearestOutput } from '@switchboard/contracts';
import { emptyUsage } from '@switchboard/protocol';
import { outputTokensAsked } from '../core/asked-output';
import { estimateInput } from '../core/input-estimate';
import type { InferenceRequest } from './inference-request';
import type { PreparedCall } from './prepare-call';
import type { CallFacts } from './settlement';

/**
 * A longer body is not walked over for images, which takes 20 µs of a call of 20 KB. As bytes it counts for four times the
 * tokens of its text, room enough for an image by URL or two, and no image counts for more.
 */
const WALKED_BYTES_MAX = 8 * 1024;

export interface IntentFacts extends Pick<CallFacts, 'identity' | 'key' | 'startedAtMs' | 'reservation'> {
  attempts: number;
}

/**
 * What is recorded of a call if this process dies before its end: what was reserved for it, so that spool and limiter say
 * the same, else the most it can come to at the model's price.
 */
export function callIntent(request: InferenceRequest, call: PreparedCall, facts: IntentFacts): UsageIntent {
  const { identity, key, reservation } = facts;
  const { model, provider, dialect } = call.candidate;
  const { inputTokens, outputTokens } =
    reservation === undefined
      ? unreserved(request, call)
      : {
          inputTokens: reservation.granted.request.amounts.inputTokens,
          outputTokens: reservation.granted.outputTokens,
        };
  const { endUser } = request;
  const { version, prices } = priceAt(model, facts.startedAtMs);
  const usage = emptyUsage();
  usage.inputTokens = inputTokens;
  usage.outputTokens = outputTokens;
  const cost = costNanoUsd(usage, withDearestOutput(prices));
  const intent: UsageIntent = {
    requestId: identity.requestId,
    tenantId: key.tenant.id,
    keyId: key.id,
    requestedModel: request.model,
    model: model.id,
    upstream: provider.id,
    clientDialect: request.dialect.id,
    upstreamDialect: dialect.id,
    stream: request.stream,
    startedAtMs: facts.startedAtMs,
    attempts: facts.attempts,
    priceVersion: version,
    inputTokens,
    outputTokens,
    // A client may ask for any number of tokens; no record holds an amount that is not exact.
    costNanoUsd: reservation?.paysMoney === true ? reservation.heldNanoUsd : Math.min(cost, Number.MAX_SAFE_INTEGER),
  };
  if (endUser !== undefined) intent.endUser = endUser;
  if (identity.clientRequestId !== undefined) intent.clientRequestId = identity.clientRequestId;
  return intent;
}

function unreserved(
  { sniffed, maxTokens, replyCount }: InferenceRequest,
  { candidate: { model }, body }: PreparedCall,
) {
  const mayHold = sniffed.mayHoldImages || sniffed.mayHideNames;
  const isWeighed = !mayHold || body.length <= WALKED_BYTES_MAX;
  const bound = isWeighed ? estimateInput(body, sniffed.tools === 'filled', sniffed).tokensMost : body.length;
  return {
    inputTokens: Math.min(bound, model.contextWindow),
    outputTokens: outputTokensAsked({ maxTokens, replyCount }, model),
  };
}
