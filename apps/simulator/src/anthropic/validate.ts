import type { IncomingHttpHeaders } from 'node:http';
import { refuse } from '../api-failure';
import { isObject, objectsIn, textOf, type JsonObject } from '../json';
import { validateMessages } from './validate-messages';

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;
const THINKING_BUDGET_MIN = 1024;
const CACHE_BREAKPOINTS_MAX = 4;
/** From this version on the API refuses sampling parameters. */
const VERSION_WITHOUT_SAMPLING = '2026-10-21';
const TOOL_CHOICES = ['auto', 'any', 'tool', 'none'];

/** Refuses what the Messages API refuses, in its words. `counting`: the count_tokens rules, where max_tokens has no place. */
export function validateRequest(body: JsonObject, headers: IncomingHttpHeaders, counting: boolean): void {
  if (headers['anthropic-version'] === undefined) refuse('anthropic-version: header is required');
  if (body['model'] === undefined) refuse('model: Field required');
  if (typeof body['model'] !== 'string') refuse('model: Input should be a valid string');
  if (body['model'] === '') refuse('model: String should have at least 1 character');
  if (!counting) validateMaxTokens(body['max_tokens']);
  validateSystem(body['system']);
  validateMessages(body['messages']);
  validateSampling(body, textOf(headers['anthropic-version']));
  validateTools(body);
  validateThinking(body);
  const breakpoints = countBreakpoints([body['tools'], body['system'], body['messages']]);
  if (breakpoints > CACHE_BREAKPOINTS_MAX) {
    refuse(`A maximum of 4 blocks with cache_control may be provided. Found ${breakpoints}.`);
  }
}

function validateMaxTokens(maxTokens: unknown): void {
  if (maxTokens === undefined) refuse('max_tokens: Field required');
  if (!Number.isInteger(maxTokens)) refuse('max_tokens: Input should be a valid integer');
  if ((maxTokens as number) < 1) refuse('max_tokens: Input should be greater than or equal to 1');
}

function validateSystem(system: unknown): void {
  if (system === undefined || typeof system === 'string') return;
  if (!Array.isArray(system)) refuse('system: Input should be a valid list');
  system.forEach((block: unknown, at) => {
    if (!isObject(block) || block['type'] !== 'text') refuse(`system.${at}.type: Input should be 'text'`);
    if (textOf(block['text']) === '') refuse('system: text content blocks must be non-empty');
  });
}

function validateSampling(body: JsonObject, version: string): void {
  for (const name of ['temperature', 'top_p', 'top_k']) {
    const value = body[name];
    if (value === undefined) continue;
    if (version >= VERSION_WITHOUT_SAMPLING) refuse(`${name}: Extra inputs are not permitted`);
    if (typeof value !== 'number') refuse(`${name}: Input should be a valid number`);
    if (name !== 'top_k' && (value < 0 || value > 1)) refuse(`${name}: range: 0..1`);
  }
  const sequences = body['stop_sequences'];
  if (sequences !== undefined && !Array.isArray(sequences)) refuse('stop_sequences: Input should be a valid list');
  if (Array.isArray(sequences) && sequences.some((sequence) => textOf(sequence).trim() === '')) {
    refuse('stop_sequences: each stop sequence must contain non-whitespace');
  }
  if (body['stream'] !== undefined && typeof body['stream'] !== 'boolean') {
    refuse('stream: Input should be a valid boolean');
  }
}

function validateTools(body: JsonObject): void {
  const tools = body['tools'];
  if (tools !== undefined && !Array.isArray(tools)) refuse('tools: Input should be a valid list');
  const names = new Set<string>();
  (tools ?? []).forEach((tool: unknown, at: number) => {
    if (!isObject(tool)) refuse(`tools.${at}: Input should be a valid dictionary`);
    if (tool['type'] === undefined || tool['type'] === 'custom') validateCustomTool(tool, at);
    const name = textOf(tool['name']);
    if (name !== '' && names.has(name)) refuse('tools: Tool names must be unique.');
    names.add(name);
  });
  validateToolChoice(body['tool_choice'], names);
}

function validateCustomTool(tool: JsonObject, at: number): void {
  const path = `tools.${at}.custom`;
  if (tool['name'] === undefined) refuse(`${path}.name: Field required`);
  if (!TOOL_NAME.test(textOf(tool['name']))) {
    refuse(`${path}.name: String should match pattern '${TOOL_NAME.source}'`);
  }
  const schema = tool['input_schema'];
  if (schema === undefined) refuse(`${path}.input_schema: Field required`);
  if (!isObject(schema)) refuse(`${path}.input_schema: Input should be a valid dictionary`);
  if (schema['type'] === undefined) refuse(`${path}.input_schema.type: Field required`);
  if (schema['type'] !== 'object') refuse(`${path}.input_schema.type: Input should be 'object'`);
}

function validateToolChoice(choice: unknown, names: Set<string>): void {
  if (choice === undefined) return;
  if (!isObject(choice)) refuse('tool_choice: Input should be a valid dictionary');
  const type = textOf(choice['type']);
  if (!TOOL_CHOICES.includes(type)) {
    refuse(
      `tool_choice: Input tag '${type}' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'`,
    );
  }
  if (names.size === 0 && type !== 'none') refuse('tool_choice may only be specified while providing tools.');
  const name = textOf(choice['name']);
  if (type === 'tool' && !names.has(name)) refuse(`Tool '${name}' not found in provided tools`);
}

function validateThinking(body: JsonObject): void {
  const thinking = body['thinking'];
  if (!isObject(thinking)) return;
  const type = textOf(thinking['type']);
  if (type !== 'enabled' && type !== 'adaptive') return;
  const choice = isObject(body['tool_choice']) ? textOf(body['tool_choice']['type']) : 'auto';
  if (choice === 'any' || choice === 'tool') refuse('Thinking may not be enabled when tool_choice forces tool use.');
  if (type !== 'enabled') return;
  const budget = thinking['budget_tokens'];
  if (budget === undefined) refuse('thinking.enabled.budget_tokens: Field required');
  if (typeof budget !== 'number' || budget < THINKING_BUDGET_MIN) {
    refuse(`thinking.enabled.budget_tokens: Input should be greater than or equal to ${THINKING_BUDGET_MIN}`);
  }
  const maxTokens = body['max_tokens'];
  if (typeof maxTokens === 'number' && maxTokens <= budget) {
    refuse('`max_tokens` must be greater than `thinking.budget_tokens`.');
  }
  validateThinkingHistory(objectsIn(body['messages']));
}

/** With a thinking budget, the assistant turn of an unfinished tool round must still begin with its thinking. */
function validateThinkingHistory(messages: JsonObject[]): void {
  const last = messages.findLastIndex((message) => message['role'] === 'assistant');
  const blocks = objectsIn(messages[last]?.['content']);
  if (!blocks.some((block) => block['type'] === 'tool_use')) return;
  const first = textOf(blocks[0]?.['type']);
  if (first === 'thinking' || first === 'redacted_thinking') return;
  refuse(
    `messages.${last}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`. ` +
      'When `thinking` is enabled, a final `assistant` message must start with a thinking block ' +
      '(preceeding the lastmost set of `tool_use` and `tool_result` blocks).',
  );
}

function countBreakpoints(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countBreakpoints(item), 0);
  if (!isObject(value)) return 0;
  return (isObject(value['cache_control']) ? 1 : 0) + countBreakpoints(value['content']);
}
