import type { Conversation, OutputFormat, Reasoning, Sampling } from '../../conversation';
import type { JsonObject } from '../../json';
import { decodeCommonParams } from '../openai/common-params';
import { decodeEndUser } from '../openai/end-user';
import type { Findings } from '../openai/findings';
import { decodeReasoningEffort } from '../openai/map-reasoning-effort';
import { isAbsent } from '../openai/members';
import { decodeSchema } from '../openai/output-format';
import { INCLUDE_ENCRYPTED_REASONING, INCLUDE_LOGPROBS } from './wire';

/** Members of the body that decoding reads; the rest is unmapped. `store` is the caller's business. */
export const READ_OF_BODY: ReadonlySet<string> = new Set([
  ...['model', 'input', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'max_output_tokens'],
  ...['temperature', 'top_p', 'top_logprobs', 'reasoning', 'text', 'metadata', 'user', 'safety_identifier'],
  ...['service_tier', 'prompt_cache_key', 'stream', 'stream_options', 'store', 'include', 'truncation'],
  ...['background', 'previous_response_id', 'conversation', 'prompt'],
]);

const READ_OF_REASONING: ReadonlySet<string> = new Set(['effort', 'summary', 'generate_summary', 'mode', 'context']);
const READ_OF_JSON_OBJECT: ReadonlySet<string> = new Set(['type']);
const READ_OF_TEXT: ReadonlySet<string> = new Set(['format', 'verbosity']);
const READ_OF_FORMAT: ReadonlySet<string> = new Set(['type', 'name', 'schema', 'strict', 'description']);
const READ_OF_STREAM_OPTIONS: ReadonlySet<string> = new Set(['include_obfuscation']);

type Params = Omit<Conversation, 'model' | 'messages' | 'tools' | 'toolChoice' | 'compaction' | 'unmapped'>;

/** What only a server that keeps conversations can do. */
export function refuseStored(body: JsonObject, findings: Findings): void {
  const previous = body.previous_response_id;
  if (!isAbsent(previous)) {
    const shown = typeof previous === 'string' ? previous : JSON.stringify(previous);
    findings.fail(
      `Previous response with id '${shown}' not found.`,
      'previous_response_id',
      'previous_response_not_found',
    );
  }
  for (const name of ['conversation', 'prompt']) if (!isAbsent(body[name])) refuseParameter(name, findings);
  if (findings.scalar(body, 'background', 'boolean') === true) refuseParameter('background', findings);
}

function refuseParameter(name: string, findings: Findings): void {
  findings.fail(`Unsupported parameter: '${name}' is not supported with this model.`, name, 'unsupported_parameter');
}

export function decodeParams(body: JsonObject, findings: Findings): Params {
  const params: Params = {
    sampling: decodeSampling(body, findings),
    stream: findings.scalar(body, 'stream', 'boolean') ?? false,
  };
  decodeEndUser(params, body, findings);
  decodeCommonParams(params, body, findings);
  decodeText(params, body, findings);
  const maxOutputTokens = findings.atLeastOne(body, 'max_output_tokens');
  if (maxOutputTokens !== undefined) params.maxOutputTokens = maxOutputTokens;
  const reasoning = decodeReasoning(body, findings);
  if (reasoning) params.reasoning = reasoning;
  leaveDelivery(body, findings);
  return params;
}

function decodeSampling(body: JsonObject, findings: Findings): Sampling {
  const sampling: Sampling = {};
  const temperature = findings.scalar(body, 'temperature', 'decimal');
  if (temperature !== undefined) sampling.temperature = temperature;
  const topP = findings.scalar(body, 'top_p', 'decimal');
  if (topP !== undefined) sampling.topP = topP;
  const topLogprobs = findings.scalar(body, 'top_logprobs', 'integer');
  if (topLogprobs !== undefined) sampling.topLogprobs = topLogprobs;
  const isIncluded = decodeInclude(body, findings);
  // Chat takes the number only beside the wish itself.
  if (isIncluded || (topLogprobs ?? 0) > 0) sampling.logprobs = true;
  return sampling;
}

/** Whether log probabilities are to be in the reply; the signatures of reasoning always are. */
function decodeInclude(body: JsonObject, findings: Findings): boolean {
  const included = findings.array(body.include, 'include', 'an array of strings') ?? [];
  included.forEach((wish, index) => {
    if (wish === INCLUDE_ENCRYPTED_REASONING || wish === INCLUDE_LOGPROBS) return;
    if (typeof wish === 'string') findings.leave(`include[${index}]`, wish);
    else findings.wrongType(`include[${index}]`, 'a string', wish);
  });
  return included.includes(INCLUDE_LOGPROBS);
}

/** A summary asked for without an effort is of what the model thinks on its own. */
function decodeReasoning(body: JsonObject, findings: Findings): Reasoning | undefined {
  const wire = findings.object(body.reasoning, 'reasoning');
  if (!wire) return undefined;
  findings.leaveRest(wire, READ_OF_REASONING, 'reasoning');
  if (!isAbsent(wire.mode) && wire.mode !== 'standard') findings.leave('reasoning.mode', wire.mode);
  if (!isAbsent(wire.context) && wire.context !== 'auto') findings.leave('reasoning.context', wire.context);
  const effort = findings.scalar(wire, 'effort', 'string', 'reasoning');
  const older = findings.scalar(wire, 'generate_summary', 'string', 'reasoning');
  const display = findings.scalar(wire, 'summary', 'string', 'reasoning') ?? older;
  if (effort === undefined) return display === undefined ? undefined : { mode: 'adaptive', display };
  const reasoning = decodeReasoningEffort(effort);
  // Of no reasoning there is no summary.
  return display === undefined || reasoning.mode === 'disabled' ? reasoning : { ...reasoning, display };
}

function decodeText(params: Params, body: JsonObject, findings: Findings): void {
  const wire = findings.object(body.text, 'text');
  if (!wire) return;
  findings.leaveRest(wire, READ_OF_TEXT, 'text');
  const outputFormat = decodeFormat(wire, findings);
  const verbosity = findings.scalar(wire, 'verbosity', 'string', 'text');
  if (outputFormat) params.outputFormat = outputFormat;
  if (verbosity !== undefined) params.verbosity = verbosity;
}

function decodeFormat(text: JsonObject, findings: Findings): OutputFormat | undefined {
  const path = 'text.format';
  const format = findings.object(text.format, path);
  if (!format || format.type === 'text') return undefined;
  if (format.type === 'json_object') {
    findings.leaveRest(format, READ_OF_JSON_OBJECT, path);
    return { type: 'json-object' };
  }
  if (format.type !== 'json_schema') {
    if (isAbsent(format.type)) findings.missing(`${path}.type`);
    else findings.unsupportedValue(`${path}.type`, format.type, ['json_object', 'json_schema', 'text']);
    return undefined;
  }
  if (isAbsent(format.schema)) findings.missing(`${path}.schema`);
  findings.leaveRest(format, READ_OF_FORMAT, path);
  return decodeSchema(format, path, findings);
}

/** Asking for what happens anyway is no loss. */
function leaveDelivery(body: JsonObject, findings: Findings): void {
  findings.scalar(body, 'store', 'boolean');
  const truncation = findings.scalar(body, 'truncation', 'string');
  if (truncation !== undefined && truncation !== 'disabled') findings.leave('truncation', truncation);
  const options = findings.object(body.stream_options, 'stream_options');
  if (!options) return;
  findings.leaveRest(options, READ_OF_STREAM_OPTIONS, 'stream_options');
  if (findings.scalar(options, 'include_obfuscation', 'boolean', 'stream_options') === true) {
    findings.leave('stream_options.include_obfuscation', true);
  }
}
