import type { Conversation, OutputFormat, Sampling } from '../../conversation';
import { isJsonObject, type JsonObject } from '../../json';
import { decodeCommonParams } from '../openai/common-params';
import { decodeEndUser } from '../openai/end-user';
import type { Findings } from '../openai/findings';
import { decodeReasoningEffort } from '../openai/map-reasoning-effort';
import { isAbsent } from '../openai/members';
import { decodeSchema } from '../openai/output-format';

/** Members of the body that decoding reads; the rest is unmapped. */
export const READ_OF_BODY: ReadonlySet<string> = new Set([
  ...['messages', 'model', 'tools', 'functions', 'tool_choice', 'function_call', 'parallel_tool_calls'],
  ...['web_search_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k'],
  ...['presence_penalty', 'frequency_penalty', 'seed', 'logit_bias', 'logprobs', 'top_logprobs', 'stop'],
  ...['reasoning_effort', 'response_format', 'verbosity', 'stream', 'stream_options', 'user', 'safety_identifier'],
  ...['metadata', 'service_tier', 'prompt_cache_key', 'n', 'store', 'modalities'],
]);

const READ_OF_FORMAT: ReadonlySet<string> = new Set(['type', 'json_schema']);
const READ_OF_SCHEMA: ReadonlySet<string> = new Set(['name', 'description', 'schema', 'strict']);

/**
 * All but model, messages and tools, into `params`. One member after the other: a conversation put together of spreads had
 * a shape of its own every time, and every access to it was a miss (20 µs of a call of 1 KB, with those of who reads it).
 */
export function decodeParams(params: Conversation, body: JsonObject, findings: Findings): void {
  params.sampling = decodeSampling(body, findings);
  params.stream = findings.scalar(body, 'stream', 'boolean') ?? false;
  const maxOutputTokens = decodeMaxOutputTokens(body, findings);
  if (maxOutputTokens !== undefined) params.maxOutputTokens = maxOutputTokens;
  decodeEndUser(params, body, findings);
  decodeCommonParams(params, body, findings);
  const stopSequences = decodeStop(body, findings);
  if (stopSequences) params.stopSequences = stopSequences;
  const effort = findings.scalar(body, 'reasoning_effort', 'string');
  if (effort !== undefined) params.reasoning = decodeReasoningEffort(effort);
  const outputFormat = decodeResponseFormat(body, findings);
  if (outputFormat) params.outputFormat = outputFormat;
  const replyCount = findings.atLeastOne(body, 'n');
  if (replyCount !== undefined) params.replyCount = replyCount;
  const verbosity = findings.scalar(body, 'verbosity', 'string');
  if (verbosity !== undefined) params.verbosity = verbosity;
  const includeUsage = decodeStreamOptions(body, findings);
  if (includeUsage !== undefined) params.includeUsage = includeUsage;
  leaveStoreAndModalities(body, findings);
}

function decodeSampling(body: JsonObject, findings: Findings): Sampling {
  const sampling: Sampling = {};
  const temperature = findings.scalar(body, 'temperature', 'decimal');
  if (temperature !== undefined) sampling.temperature = temperature;
  const topP = findings.scalar(body, 'top_p', 'decimal');
  if (topP !== undefined) sampling.topP = topP;
  // Not OpenAI's, but vLLM, Ollama and OpenRouter take it and their clients send it.
  const topK = findings.scalar(body, 'top_k', 'integer');
  if (topK !== undefined) sampling.topK = topK;
  const presencePenalty = findings.scalar(body, 'presence_penalty', 'decimal');
  if (presencePenalty !== undefined) sampling.presencePenalty = presencePenalty;
  const frequencyPenalty = findings.scalar(body, 'frequency_penalty', 'decimal');
  if (frequencyPenalty !== undefined) sampling.frequencyPenalty = frequencyPenalty;
  const seed = findings.scalar(body, 'seed', 'integer');
  if (seed !== undefined) sampling.seed = seed;
  const logitBias = findings.object(body.logit_bias, 'logit_bias');
  if (logitBias) sampling.logitBias = logitBias;
  const logprobs = findings.scalar(body, 'logprobs', 'boolean');
  if (logprobs !== undefined) sampling.logprobs = logprobs;
  const topLogprobs = findings.scalar(body, 'top_logprobs', 'integer');
  if (topLogprobs !== undefined) sampling.topLogprobs = topLogprobs;
  return sampling;
}

/** The newer name wins where both are given. */
function decodeMaxOutputTokens(body: JsonObject, findings: Findings): number | undefined {
  const newer = findings.atLeastOne(body, 'max_completion_tokens');
  const older = findings.atLeastOne(body, 'max_tokens');
  if (newer !== undefined && older !== undefined && newer !== older) findings.leave('max_tokens', older);
  return newer ?? older;
}

function decodeStop(body: JsonObject, findings: Findings): string[] | undefined {
  const { stop } = body;
  if (isAbsent(stop)) return undefined;
  if (typeof stop === 'string') return [stop];
  if (Array.isArray(stop)) {
    const texts = stop.filter((entry) => typeof entry === 'string');
    if (texts.length === stop.length) return texts;
  }
  findings.wrongType('stop', 'one of a string or array of strings', stop);
  return undefined;
}

function decodeStreamOptions(body: JsonObject, findings: Findings): boolean | undefined {
  const options = findings.object(body.stream_options, 'stream_options');
  if (!options) return undefined;
  findings.leaveRest(options, new Set(['include_usage']), 'stream_options');
  return findings.scalar(options, 'include_usage', 'boolean', 'stream_options');
}

function decodeResponseFormat(body: JsonObject, findings: Findings): OutputFormat | undefined {
  const path = 'response_format';
  const format = findings.object(body.response_format, path);
  if (format) findings.leaveRest(format, READ_OF_FORMAT, path);
  if (!format || format.type === 'text') return undefined;
  if (format.type === 'json_object') return { type: 'json-object' };
  if (format.type !== 'json_schema') {
    if (isAbsent(format.type)) findings.missing(`${path}.type`);
    else findings.unsupportedValue(`${path}.type`, format.type, ['json_object', 'json_schema', 'text']);
    return undefined;
  }
  const schemaPath = `${path}.json_schema`;
  if (!isJsonObject(format.json_schema)) findings.missing(schemaPath);
  const declared = findings.object(format.json_schema, schemaPath);
  if (!declared) return undefined;
  findings.leaveRest(declared, READ_OF_SCHEMA, schemaPath);
  return decodeSchema(declared, schemaPath, findings);
}

/** Asking for what happens anyway (nothing stored, text out) is no loss. */
function leaveStoreAndModalities(body: JsonObject, findings: Findings): void {
  if (findings.scalar(body, 'store', 'boolean') === true) findings.leave('store', true);
  const modalities = findings.array(body.modalities, 'modalities');
  if (modalities?.some((modality) => modality !== 'text')) findings.leave('modalities', modalities);
}
