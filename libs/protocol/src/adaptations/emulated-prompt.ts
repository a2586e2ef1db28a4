import type { FunctionTool, OutputFormat } from '../conversation';
import type { JsonObject } from '../json';
import type { CallRule } from './emulated-format';
import { CALLS, TEXT } from './emulated-reply-reader';

/** What tells the model of its tools, and how to call them. */
export function toolsPrompt(tools: readonly FunctionTool[], rule: CallRule, asked: OutputFormat | undefined): string {
  const text = asked === undefined ? '"what you say to the user; may be empty"' : 'your answer, or null beside calls';
  return [
    '# Tools',
    'You can call tools. They are run for you, and their results come in the next message: never make one up.',
    `Answer with one JSON object, and nothing before or after it:\n{"${TEXT}": ${text}, "${CALLS}": [{"name": "name of a tool", "arguments": {}}]}`,
    ...answerRules(asked),
    `"arguments" has to be valid against the JSON Schema in "parameters" of the tool. ${callRule(rule)}`,
    `The tools, one a line:\n${tools.map(describe).join('\n')}`,
  ].join('\n\n');
}

/** Where nothing is to be called now, but something was before. */
export const CALLS_ARE_OVER = `Earlier in this conversation tools were called, written as "${CALLS}" in JSON, and their results came in messages. No tool can be called in this answer.`;

function answerRules(asked: OutputFormat | undefined): string[] {
  if (asked === undefined) return [];
  if (asked.type === 'json-object') return [`"${TEXT}" has to be a JSON object.`];
  return [`"${TEXT}" has to be valid against this JSON Schema:\n${JSON.stringify(asked.schema)}`];
}

function callRule({ tools, least, most }: CallRule): string {
  const several = most === undefined ? '' : ' Call at most one tool in one answer.';
  if (least === 0) return `Where no tool is needed, "${CALLS}" is empty.${several}`;
  const only = tools.length === 1 && tools[0] !== undefined ? ` ${JSON.stringify(tools[0].name)}` : '';
  return `In this answer you have to call ${only === '' ? 'a tool' : `the tool${only}`}.${several}`;
}

function describe({ name, description, inputSchema, namespaceDescription }: FunctionTool): string {
  const told: JsonObject = { name };
  if (namespaceDescription !== undefined) told.toolset = namespaceDescription;
  if (description !== undefined) told.description = description;
  told.parameters = inputSchema;
  return JSON.stringify(told);
}
