import type { Conversation, OutputFormat, Reasoning, Sampling } from '../../conversation';
import type { JsonObject, JsonValue } from '../../json';
import { decodeToolChoice } from './convert-from-tools';
import { member, type Findings } from './findings';
import { isAbsent } from './wire';

const READ_OF_THINKING = new Set(['type', 'budget_tokens', 'display']);
const READ_OF_OUTPUT_CONFIG = new Set(['effort', 'format']);
const READ_OF_FORMAT = new Set(['type', 'schema']);
const READ_OF_METADATA = new Set(['user_id']);

/** The smallest thinking budget the API takes. */
export const THINKING_BUDGET_TOKENS_MIN = 1024;

/** All that is optional in `Conversation`, into `params`; one member after the other, so that all have few shapes. */
export function decodeParams(params: Conversation, body: JsonObject, findings: Findings): void {
  // 0 is legal: it fills the prompt cache and generates nothing.
  const maxOutputTokens = findings.integer(body, 'max_tokens', '', 0);
  if (maxOutputTokens !== undefined) params.maxOutputTokens = maxOutputTokens;
  const { toolChoice, parallelToolCalls } = decodeToolChoice(body['tool_choice'], findings);
  if (toolChoice !== undefined) params.toolChoice = toolChoice;
  if (parallelToolCalls !== undefined) params.parallelToolCalls = parallelToolCalls;
  const stopSequences = decodeStopSequences(body, findings);
  if (stopSequences !== undefined) params.stopSequences = stopSequences;
  const reasoning = decodeReasoning(body, findings);
  if (reasoning !== undefined) params.reasoning = reasoning;
  const outputFormat = decodeOutputFormat(body, findings);
  if (outputFormat !== undefined) params.outputFormat = outputFormat;
  const endUser = decodeEndUser(body, findings);
  if (endUser !== undefined) params.endUser = endUser;
  const serviceTier = findings.string(body, 'service_tier', '');
  if (serviceTier !== undefined) params.serviceTier = serviceTier;
}

export function decodeSampling(body: JsonObject, findings: Findings): Sampling {
  const sampling: Sampling = {};
  const temperature = findings.number(body, 'temperature', '', 0, 1);
  if (temperature !== undefined) sampling.temperature = temperature;
  const topP = findings.number(body, 'top_p', '', 0, 1);
  if (topP !== undefined) sampling.topP = topP;
  const topK = findings.integer(body, 'top_k', '', 0);
  if (topK !== undefined) sampling.topK = topK;
  return sampling;
}

function decodeStopSequences(body: JsonObject, findings: Findings): string[] | undefined {
  const sequences = findings.array(body['stop_sequences'], 'stop_sequences');
  return sequences?.map((sequence, index) => {
    if (typeof sequence === 'string') return sequence;
    findings.fail(`stop_sequences[${index}]`, 'Input should be a valid string');
    return '';
  });
}

function decodeEndUser(body: JsonObject, findings: Findings): string | undefined {
  const metadata = findings.object(body['metadata'], 'metadata');
  if (metadata === undefined) return undefined;
  findings.leaveRest(metadata, READ_OF_METADATA, 'metadata');
  return findings.string(metadata, 'user_id', 'metadata');
}

/** `thinking` and `output_config.effort` say one thing between them. */
function decodeReasoning(body: JsonObject, findings: Findings): Reasoning | undefined {
  const reasoning: Reasoning = {};
  const thinking = findings.object(body['thinking'], 'thinking');
  if (thinking !== undefined) decodeThinkingConfig(thinking, reasoning, findings);
  const outputConfig = findings.object(body['output_config'], 'output_config');
  const effort = outputConfig && findings.string(outputConfig, 'effort', 'output_config');
  if (effort !== undefined) reasoning.effort = effort;
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

function decodeThinkingConfig(thinking: JsonObject, reasoning: Reasoning, findings: Findings): void {
  const type = findings.tag(thinking, 'thinking');
  if (type !== 'enabled' && type !== 'adaptive' && type !== 'disabled') {
    // `between_tools` and whatever comes next: no neutral meaning.
    findings.leave('thinking', thinking);
    return;
  }
  reasoning.mode = type;
  if (type === 'enabled' && isAbsent(thinking['budget_tokens'])) findings.missing('thinking.budget_tokens');
  const budgetTokens = findings.integer(thinking, 'budget_tokens', 'thinking', THINKING_BUDGET_TOKENS_MIN);
  if (budgetTokens !== undefined) reasoning.budgetTokens = budgetTokens;
  const display = findings.string(thinking, 'display', 'thinking');
  if (display !== undefined) reasoning.display = display;
  findings.leaveRest(thinking, READ_OF_THINKING, 'thinking');
}

/** `output_config.format`, or `output_format`, its name while it was in beta. */
function decodeOutputFormat(body: JsonObject, findings: Findings): OutputFormat | undefined {
  const outputConfig = findings.object(body['output_config'], 'output_config') ?? {};
  findings.leaveRest(outputConfig, READ_OF_OUTPUT_CONFIG, 'output_config');
  const format = decodeFormat(outputConfig['format'], 'output_config.format', findings);
  return format ?? decodeFormat(body['output_format'], 'output_format', findings);
}

function decodeFormat(value: JsonValue | undefined, path: string, findings: Findings): OutputFormat | undefined {
  const format = findings.object(value, path);
  if (format === undefined) return undefined;
  if (findings.tag(format, path) !== 'json_schema')
    findings.fail(member(path, 'type'), "Input should be 'json_schema'");
  if (isAbsent(format['schema'])) findings.missing(`${path}.schema`);
  findings.leaveRest(format, READ_OF_FORMAT, path);
  return { type: 'json-schema', schema: findings.object(format['schema'], `${path}.schema`) ?? {} };
}
