import type { Conversation } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Encoding } from './encoding';
import { encodeReasoning } from './convert-to-thinking';

/** Everything but messages and tools, into `params`. */
export function encodeParams(params: JsonObject, conversation: Conversation, encoding: Encoding): void {
  refuseAlternatives(conversation, encoding);
  const { thinking, effort } = encodeReasoning(conversation, encoding);
  encodeSampling(params, conversation, thinking !== undefined && thinking.type !== 'disabled', encoding);
  const format = encodeOutputFormat(conversation, encoding);
  if (thinking !== undefined) params['thinking'] = { ...thinking };
  if (effort !== undefined || format !== undefined) {
    params['output_config'] = { ...(effort !== undefined && { effort }), ...(format !== undefined && { format }) };
  }
  const stopSequences = encodeStopSequences(conversation, encoding);
  if (stopSequences.length > 0) params['stop_sequences'] = stopSequences;
  if (conversation.endUser !== undefined) params['metadata'] = { user_id: conversation.endUser };
  const serviceTier = encodeServiceTier(conversation, encoding);
  if (serviceTier !== undefined) params['service_tier'] = serviceTier;
  if (conversation.stream) params['stream'] = true;
  loseForeign(conversation, encoding);
}

function refuseAlternatives({ replyCount }: Conversation, encoding: Encoding): void {
  if ((replyCount ?? 1) > 1) encoding.refuse('this model gives one reply per request', 'n');
}

/**
 * Thinking allows no other temperature than 1, no `top_k`, and no `top_p` below 0.95. Without it, current models take
 * `temperature` or `top_p`, not both: one at its default of 1 says nothing and is left out, else the temperature stays.
 */
function encodeSampling(wire: JsonObject, { sampling }: Conversation, thinks: boolean, encoding: Encoding): void {
  const { temperature, topP, topK } = sampling;
  const hasTemperature = temperature !== undefined && temperature !== 1;
  const hasTopP = topP !== undefined && topP !== 1;
  if (temperature !== undefined && (thinks ? hasTemperature : temperature > 1))
    encoding.lose('temperature', 'temperature');
  if (hasTopP && (thinks ? topP < 0.95 : hasTemperature)) encoding.lose('top_p', 'top_p');
  if (topK !== undefined && thinks) encoding.lose('top_k', 'top_k');
  if (thinks) {
    if (hasTopP && topP >= 0.95) wire['top_p'] = topP;
    return;
  }
  if (temperature !== undefined && (hasTemperature || !hasTopP)) wire['temperature'] = Math.min(temperature, 1);
  if (topP !== undefined && temperature === undefined) wire['top_p'] = topP;
  else if (hasTopP && !hasTemperature) wire['top_p'] = topP;
  if (topK !== undefined) wire['top_k'] = topK;
}

/** The schema goes unchanged. The API always holds the model to it, whether `strict` was asked for or declined. */
function encodeOutputFormat({ outputFormat }: Conversation, encoding: Encoding): JsonObject | undefined {
  if (outputFormat?.type !== 'json-schema') return undefined;
  const { name, description, schema, strict } = outputFormat;
  // Chat demands a name; `response` is what we call it where the client named nothing.
  if (name !== undefined && name !== 'response') encoding.lose('response_format.name', 'response_format.name');
  if (description !== undefined) encoding.lose('response_format.description', 'response_format.description');
  if (strict === false) encoding.lose('response_format.strict', 'response_format.strict');
  return { type: 'json_schema', schema };
}

function encodeStopSequences({ stopSequences = [] }: Conversation, encoding: Encoding): string[] {
  return stopSequences.filter((sequence, index) => {
    const accepted = sequence.trim() !== '';
    if (!accepted) encoding.lose('stop_sequences', `stop_sequences[${index}]`);
    return accepted;
  });
}

function encodeServiceTier({ serviceTier }: Conversation, encoding: Encoding): string | undefined {
  switch (serviceTier) {
    case undefined:
      return undefined;
    case 'auto':
    case 'standard_only':
      return serviceTier;
    case 'default':
      return 'standard_only';
    default:
      encoding.lose('service_tier', 'service_tier');
      return undefined;
  }
}

/** Parameters of other dialects; a default value asks for nothing. */
function loseForeign({ sampling, verbosity, metadata, promptCacheKey }: Conversation, encoding: Encoding): void {
  const lose = (feature: string, isAsked: boolean): void => {
    if (isAsked) encoding.lose(feature, feature);
  };
  lose('presence_penalty', (sampling.presencePenalty ?? 0) !== 0);
  lose('frequency_penalty', (sampling.frequencyPenalty ?? 0) !== 0);
  lose('seed', sampling.seed !== undefined);
  lose('logit_bias', isFilled(sampling.logitBias));
  lose('logprobs', sampling.logprobs === true);
  lose('top_logprobs', (sampling.topLogprobs ?? 0) !== 0);
  lose('verbosity', verbosity !== undefined);
  lose('metadata', isFilled(metadata));
  lose('prompt_cache_key', promptCacheKey !== undefined);
}

function isFilled(object: JsonObject | undefined): boolean {
  return object !== undefined && Object.keys(object).length > 0;
}
