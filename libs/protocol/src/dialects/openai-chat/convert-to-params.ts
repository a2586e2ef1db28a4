import type { Conversation, OutputFormat } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Encoding } from '../openai/encoding';
import { encodeEndUser } from '../openai/end-user';
import { encodeReasoningEffort } from '../openai/map-reasoning-effort';
import { encodeSchema } from '../openai/output-format';
import { encodeServiceTier } from '../openai/service-tier';
import { STOP_SEQUENCES_MAX } from './wire';

/** All but model, messages and tools, into `body`. */
export function encodeParams(body: JsonObject, conversation: Conversation, encoding: Encoding): void {
  const { outputFormat, verbosity, promptCacheKey, replyCount, reasoning, stream } = conversation;
  encodeMaxOutputTokens(body, conversation, encoding);
  encodeSampling(body, conversation, encoding);
  encodeIdentity(body, conversation, encoding);
  const stop = encodeStop(conversation.stopSequences ?? [], encoding);
  if (stop.length > 0) body.stop = stop;
  if (reasoning?.display !== undefined) encoding.lose('thinking.display', 'thinking.display');
  const effort = reasoning && encodeReasoningEffort(reasoning, encoding);
  if (effort !== undefined) body.reasoning_effort = effort;
  if (outputFormat) body.response_format = encodeResponseFormat(outputFormat);
  if (verbosity !== undefined) body.verbosity = verbosity;
  if (promptCacheKey !== undefined) body.prompt_cache_key = promptCacheKey;
  if (replyCount !== undefined) body.n = replyCount;
  if (stream) {
    body.stream = true;
    // Without it the stream says nothing of tokens, and the call could not be billed exactly.
    body.stream_options = { include_usage: true };
  }
}

/**
 * OpenAI's reasoning models refuse `max_tokens`; compatible servers may not know `max_completion_tokens`. More than the
 * model can give is asked for by clients that do not know it, and refused by servers that do.
 */
function encodeMaxOutputTokens(body: JsonObject, { maxOutputTokens }: Conversation, { target }: Encoding): void {
  if (maxOutputTokens === undefined) return;
  const most = Math.min(maxOutputTokens, target.maxOutputTokens);
  if (target.reasoning) body.max_completion_tokens = most;
  else body.max_tokens = most;
}

function encodeSampling(body: JsonObject, { sampling }: Conversation, encoding: Encoding): void {
  if (sampling.temperature !== undefined) body.temperature = sampling.temperature;
  if (sampling.topP !== undefined) body.top_p = sampling.topP;
  if (sampling.topK !== undefined) encoding.lose('top_k', 'top_k');
  if (sampling.presencePenalty !== undefined) body.presence_penalty = sampling.presencePenalty;
  if (sampling.frequencyPenalty !== undefined) body.frequency_penalty = sampling.frequencyPenalty;
  if (sampling.seed !== undefined) body.seed = sampling.seed;
  if (sampling.logitBias !== undefined) body.logit_bias = sampling.logitBias;
  if (sampling.logprobs !== undefined) body.logprobs = sampling.logprobs;
  if (sampling.topLogprobs !== undefined) body.top_logprobs = sampling.topLogprobs;
}

function encodeIdentity(body: JsonObject, conversation: Conversation, encoding: Encoding): void {
  const { metadata, serviceTier } = conversation;
  // OpenAI refuses `metadata` unless the reply is stored, which a gateway must not ask for on its own.
  if (metadata && Object.keys(metadata).length > 0) encoding.lose('metadata', 'metadata');
  Object.assign(body, encodeEndUser(conversation, encoding), encodeServiceTier(serviceTier, encoding));
}

function encodeStop(stopSequences: readonly string[], encoding: Encoding): string[] {
  stopSequences.slice(STOP_SEQUENCES_MAX).forEach((_, index) => {
    encoding.lose('stop_sequences', `stop_sequences[${STOP_SEQUENCES_MAX + index}]`);
  });
  return stopSequences.slice(0, STOP_SEQUENCES_MAX);
}

function encodeResponseFormat(format: OutputFormat): JsonObject {
  if (format.type === 'json-object') return { type: 'json_object' };
  return { type: 'json_schema', json_schema: encodeSchema(format) };
}
