import type { FunctionTool, OutputFormat } from '../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../json';
import { CALLS, TEXT } from './emulated-reply-reader';

/** How many calls an answer may hold, and of which tools. */
export interface CallRule {
  tools: readonly FunctionTool[];
  /** `undefined`: no limit. */
  most: number | undefined;
  least: number;
}

/**
 * The schema of an answer: text first, then calls of the tools that may be called. The members of a tool's own schema are
 * looked up from its root, which here is not the root, so that one with references binds its arguments in words only.
 *
 * @param asked what the client wants its answer to be: then that stands in place of the text, or null beside calls
 */
export function answerFormat(rule: CallRule, asked: OutputFormat | undefined): OutputFormat {
  const calls: JsonObject = { type: 'array', items: { anyOf: rule.tools.map(callSchema) } };
  if (rule.least > 0) calls.minItems = rule.least;
  if (rule.most !== undefined) calls.maxItems = rule.most;
  const schema: JsonObject = {
    type: 'object',
    properties: { [TEXT]: textSchema(asked), [CALLS]: calls },
    required: [TEXT, CALLS],
    additionalProperties: false,
  };
  return { type: 'json-schema', name: 'answer', schema };
}

/** Whether a schema means the same wherever it is nested. */
export function isSelfContained(schema: JsonValue): boolean {
  if (Array.isArray(schema)) return schema.every(isSelfContained);
  if (!isJsonObject(schema)) return true;
  if (typeof schema.$ref === 'string' || typeof schema.$dynamicRef === 'string') return false;
  return Object.values(schema).every(isSelfContained);
}

function callSchema({ name, inputSchema }: FunctionTool): JsonObject {
  return {
    type: 'object',
    properties: { name: { type: 'string', enum: [name] }, arguments: nested(inputSchema) },
    required: ['name', 'arguments'],
    additionalProperties: false,
  };
}

function textSchema(asked: OutputFormat | undefined): JsonObject {
  if (asked === undefined) return { type: 'string' };
  const schema: JsonObject = asked.type === 'json-schema' ? nested(asked.schema) : { type: 'object' };
  return { anyOf: [schema, { type: 'null' }] };
}

function nested(schema: JsonObject): JsonObject {
  if (!isSelfContained(schema)) return { type: 'object' };
  const { $schema: _dialect, $id: _id, ...rest } = schema;
  return 'type' in rest ? rest : { type: 'object', ...rest };
}
