import type { Conversation, OutputFormat, Reasoning } from '../../conversation';
import type { JsonObject, JsonValue } from '../../json';
import type { Encoding } from '../openai/encoding';
import { encodeEndUser } from '../openai/end-user';
import { encodeReasoningEffort } from '../openai/map-reasoning-effort';
import { encodeSchema } from '../openai/output-format';
import { encodeServiceTier } from '../openai/service-tier';
import { INCLUDE_ENCRYPTED_REASONING, INCLUDE_LOGPROBS, OUTPUT_TOKENS_MIN } from './wire';

/** What the API takes as `metadata`. */
const METADATA_KEYS_MAX = 16;
const METADATA_VALUE_LENGTH_MAX = 512;

/** Everything but input and tools. */
export function encodeParams(conversation: Conversation, encoding: Encoding): JsonObject {
  const { sampling, promptCacheKey, serviceTier, stream } = conversation;
  if ((conversation.replyCount ?? 1) > 1) {
    encoding.refuse(`The upstream of this model gives one reply per request; 'n' must be 1.`, 'n');
  }
  const body: JsonObject = {
    ...encodeMaxOutputTokens(conversation, encoding),
    ...encodeReasoning(conversation, encoding),
    ...encodeText(conversation),
    ...encodeEndUser(conversation, encoding),
    ...encodeMetadata(conversation, encoding),
    ...(serviceTier === 'ultrafast' ? { service_tier: serviceTier } : encodeServiceTier(serviceTier, encoding)),
  };
  if (sampling.temperature !== undefined) body.temperature = sampling.temperature;
  if (sampling.topP !== undefined) body.top_p = sampling.topP;
  if (sampling.topLogprobs !== undefined) body.top_logprobs = sampling.topLogprobs;
  if (promptCacheKey !== undefined) body.prompt_cache_key = promptCacheKey;
  if (stream) body.stream = true;
  const include: string[] = [];
  if (encoding.target.reasoning) include.push(INCLUDE_ENCRYPTED_REASONING);
  if (sampling.logprobs === true) include.push(INCLUDE_LOGPROBS);
  if (include.length > 0) body.include = include;
  // Left out, the API keeps the reply.
  body.store = false;
  loseForeign(conversation, encoding);
  return body;
}

/** More than the model can give is asked for by clients that do not know it; the API refuses less than its minimum. */
function encodeMaxOutputTokens({ maxOutputTokens }: Conversation, encoding: Encoding): JsonObject {
  if (maxOutputTokens === undefined) return {};
  if (maxOutputTokens < OUTPUT_TOKENS_MIN) encoding.lose('max_output_tokens', 'max_output_tokens');
  const least = Math.max(maxOutputTokens, OUTPUT_TOKENS_MIN);
  return { max_output_tokens: Math.min(least, encoding.target.maxOutputTokens) };
}

function encodeReasoning({ reasoning }: Conversation, encoding: Encoding): JsonObject {
  if (!reasoning) return {};
  const effort = encodeReasoningEffort(reasoning, encoding);
  const summary = encodeDisplay(displayOf(reasoning, encoding), encoding);
  if (effort === undefined && summary === undefined) return {};
  return { reasoning: { ...(effort !== undefined && { effort }), ...(summary !== undefined && { summary }) } };
}

/**
 * Whoever sets a budget and says no more is shown a summary by the Messages API: models that leave it out unless asked to
 * take no budget (https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking).
 */
function displayOf({ display, budgetTokens }: Reasoning, { target }: Encoding): string | undefined {
  return display ?? (budgetTokens !== undefined && target.reasoning ? 'summarized' : undefined);
}

/** The API shows no reasoning unless asked to. */
function encodeDisplay(display: string | undefined, encoding: Encoding): string | undefined {
  if (display === undefined || display === 'omitted') return undefined;
  if (!encoding.target.reasoning || display === 'updates') {
    encoding.lose('thinking.display', 'thinking.display');
    return undefined;
  }
  return display === 'summarized' ? 'auto' : display;
}

function encodeText({ outputFormat, verbosity }: Conversation): JsonObject {
  if (!outputFormat && verbosity === undefined) return {};
  return {
    text: {
      ...(outputFormat && { format: encodeFormat(outputFormat) }),
      ...(verbosity !== undefined && { verbosity }),
    },
  };
}

/** `strict` is sent in any case: left out, this API alone takes it for true where it can. */
function encodeFormat(format: OutputFormat): JsonObject {
  if (format.type === 'json-object') return { type: 'json_object' };
  return { type: 'json_schema', strict: false, ...encodeSchema(format) };
}

function encodeMetadata({ metadata }: Conversation, encoding: Encoding): JsonObject {
  if (!metadata) return {};
  const values = Object.values(metadata);
  if (values.length === 0) return {};
  if (values.length <= METADATA_KEYS_MAX && values.every(isMetadataValue)) return { metadata };
  encoding.lose('metadata', 'metadata');
  return {};
}

function isMetadataValue(value: JsonValue): boolean {
  return typeof value === 'string' && value.length <= METADATA_VALUE_LENGTH_MAX;
}

/** Parameters of other dialects; a default value asks for nothing. */
function loseForeign({ sampling, stopSequences = [] }: Conversation, encoding: Encoding): void {
  stopSequences.forEach((_, index) => encoding.lose('stop_sequences', `stop_sequences[${index}]`));
  if (sampling.topK !== undefined) encoding.lose('top_k', 'top_k');
  if (sampling.presencePenalty) encoding.lose('presence_penalty', 'presence_penalty');
  if (sampling.frequencyPenalty) encoding.lose('frequency_penalty', 'frequency_penalty');
  if (sampling.seed !== undefined) encoding.lose('seed', 'seed');
  if (sampling.logitBias && Object.keys(sampling.logitBias).length > 0) encoding.lose('logit_bias', 'logit_bias');
}
