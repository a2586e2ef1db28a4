import { refuse } from '../api-failure';
import { isObject, textOf, type JsonObject } from '../json';
import { missing, validateName, wrongType } from './refusals';
import { validateMessages } from './validate-messages';

const TOOLS_MAX = 128;
const STOPS_MAX = 4;
const FORMATS = ['text', 'json_object', 'json_schema'];

/** Refuses what the Chat Completions API refuses, in its words. */
export function validateRequest(body: JsonObject): void {
  if (textOf(body['model']) === '') refuse('you must provide a model parameter');
  validateMessages(body['messages']);
  validateTools(body);
  validateLimits(body);
  validateFormat(body);
}

function validateLimits(body: JsonObject): void {
  if (body['max_tokens'] != null && body['max_completion_tokens'] != null) {
    const text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
    refuse(text, 'max_tokens', 'invalid_parameter_combination');
  }
  for (const name of ['max_tokens', 'max_completion_tokens']) {
    const value = body[name];
    if (value == null) continue;
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return refuse(wrongType(name, 'an integer', value), name, 'invalid_type');
    }
    if (value < 1) {
      const text = `Invalid '${name}': integer below minimum value. Expected a value >= 1, but got ${value} instead.`;
      refuse(text, name, 'integer_below_min_value');
    }
  }
  const { stop } = body;
  if (Array.isArray(stop) && stop.length > STOPS_MAX) {
    const text = `Invalid 'stop': array too long. Expected an array with maximum length ${STOPS_MAX}, but got an array with length ${stop.length} instead.`;
    refuse(text, 'stop', 'array_above_max_length');
  }
  if (body['stream'] != null && typeof body['stream'] !== 'boolean') {
    refuse(wrongType('stream', 'a boolean', body['stream']), 'stream', 'invalid_type');
  }
  if (body['stream_options'] != null && body['stream'] !== true) {
    refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options');
  }
}

function validateTools(body: JsonObject): void {
  const { tools } = body;
  if (tools == null) {
    refuseWithoutTools(body);
    return;
  }
  if (!Array.isArray(tools)) return refuse(wrongType('tools', 'an array of objects', tools), 'tools', 'invalid_type');
  if (tools.length === 0) {
    const text =
      "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.";
    refuse(text, 'tools', 'empty_array');
  }
  if (tools.length > TOOLS_MAX) {
    const text = `Invalid 'tools': array too long. Expected an array with maximum length ${TOOLS_MAX}, but got an array with length ${tools.length} instead.`;
    refuse(text, 'tools', 'array_above_max_length');
  }
  const names = tools.map((tool: unknown, at) => validateTool(tool, at));
  validateChoice(body['tool_choice'], names);
}

function refuseWithoutTools(body: JsonObject): void {
  if (body['tool_choice'] != null && body['tool_choice'] !== 'none') {
    refuse("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice');
  }
  if (body['parallel_tool_calls'] != null) {
    const text =
      "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.";
    refuse(text, 'parallel_tool_calls');
  }
}

function validateTool(tool: unknown, at: number): string {
  if (!isObject(tool)) return refuse(wrongType(`tools[${at}]`, 'an object', tool), `tools[${at}]`, 'invalid_type');
  const type = textOf(tool['type']);
  if (type !== 'function' && type !== 'custom') {
    const text = `Invalid value: '${type}'. Supported values are: 'function' and 'custom'.`;
    refuse(text, `tools[${at}].type`, 'invalid_value');
  }
  const inner = tool[type];
  if (!isObject(inner)) return missing(`tools[${at}].${type}`);
  const name = textOf(inner['name']);
  const path = `tools[${at}].${type}.name`;
  if (name === '') missing(path);
  validateName(name, path);
  return name;
}

function validateChoice(choice: unknown, names: string[]): void {
  if (choice == null) return;
  if (typeof choice === 'string') {
    if (['none', 'auto', 'required'].includes(choice)) return;
    const text = `Invalid value: '${choice}'. Supported values are: 'none', 'auto', and 'required'.`;
    refuse(text, 'tool_choice', 'invalid_value');
  }
  if (!isObject(choice)) return refuse(wrongType('tool_choice', 'an object', choice), 'tool_choice', 'invalid_type');
  const type = textOf(choice['type']);
  if (type === 'allowed_tools') return;
  const inner = choice[type];
  const name = isObject(inner) ? textOf(inner['name']) : '';
  if (names.includes(name)) return;
  refuse(
    `Invalid value for 'tool_choice': no ${type || 'function'} named '${name}' was specified in the 'tools' parameter.`,
    'tool_choice',
  );
}

function validateFormat(body: JsonObject): void {
  const format = body['response_format'];
  if (format == null) return;
  if (!isObject(format))
    return refuse(wrongType('response_format', 'an object', format), 'response_format', 'invalid_type');
  const type = textOf(format['type']);
  if (!FORMATS.includes(type)) {
    const text = `Invalid value: '${type}'. Supported values are: 'json_object', 'json_schema', and 'text'.`;
    refuse(text, 'response_format.type', 'invalid_value');
  }
  if (type === 'json_object' && !/json/i.test(JSON.stringify(body['messages']))) {
    const text =
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
    refuse(text, 'messages');
  }
  if (type !== 'json_schema') return;
  const schema = format['json_schema'];
  if (!isObject(schema)) return missing('response_format.json_schema');
  if (textOf(schema['name']) === '') missing('response_format.json_schema.name');
  validateName(textOf(schema['name']), 'response_format.json_schema.name');
  if (schema['strict'] === true) validateStrict(schema['schema'], textOf(schema['name']));
}

/** Strict mode wants closed objects with every property required; the API says so at the root first. */
export function validateStrict(schema: unknown, name: string, path = 'response_format'): void {
  if (!isObject(schema) || !isObject(schema['properties'])) return;
  const prefix = `Invalid schema for response_format '${name}': In context=(), `;
  if (schema['additionalProperties'] !== false) {
    refuse(`${prefix}'additionalProperties' is required to be supplied and to be false.`, path);
  }
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const left = Object.keys(schema['properties']).find((key) => !required.includes(key));
  if (left === undefined) return;
  const text = `'required' is required to be supplied and to be an array including every key in properties. Missing '${left}'.`;
  refuse(prefix + text, path);
}
