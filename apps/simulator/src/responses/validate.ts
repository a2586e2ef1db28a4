import { refuse } from '../api-failure';
import { isObject, textOf, type JsonObject } from '../json';
import { missing, validateName, wrongType } from '../openai/refusals';
import { validateStrict } from '../openai/validate';
import { validateInput } from './validate-input';
import { refuseValue } from './refusals';
import { validateTools } from './validate-tools';

const OUTPUT_TOKENS_MIN = 16;
const FORMATS = ['text', 'json_object', 'json_schema'];
const INCLUDABLE = [
  'code_interpreter_call.outputs',
  'computer_call_output.output.image_url',
  'file_search_call.results',
  'message.input_image.image_url',
  'message.output_text.logprobs',
  'reasoning.encrypted_content',
  'web_search_call.action.sources',
  'web_search_call.results',
];
const PARAMETERS = new Set([
  ...['background', 'client_metadata', 'context_management', 'conversation', 'include', 'input', 'instructions'],
  ...['max_output_tokens', 'max_tool_calls', 'metadata', 'model', 'moderation', 'parallel_tool_calls'],
  ...['previous_response_id', 'prompt', 'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention'],
  ...['reasoning', 'safety_identifier', 'service_tier', 'store', 'stream', 'stream_options', 'temperature', 'text'],
  ...['tool_choice', 'tools', 'top_logprobs', 'top_p', 'truncation', 'user'],
]);

/** Refuses what the Responses API refuses, in its words. */
export function validateRequest(body: JsonObject): void {
  validateCount(body);
  validateLimits(body);
  validateFormat(body);
}

/** The same for a request that is only counted. */
export function validateCount(body: JsonObject): void {
  const unknown = Object.keys(body).find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) refuse(`Unknown parameter: '${unknown}'.`, unknown, 'unknown_parameter');
  if (textOf(body['model']) === '') missing('model');
  const previous = body['previous_response_id'];
  if (previous != null) {
    const text = `Previous response with id '${textOf(previous)}' not found.`;
    refuse(text, 'previous_response_id', 'previous_response_not_found');
  }
  if (body['instructions'] != null && typeof body['instructions'] !== 'string') {
    refuse(wrongType('instructions', 'a string', body['instructions']), 'instructions', 'invalid_type');
  }
  validateInput(body['input']);
  validateTools(body);
}

function validateLimits(body: JsonObject): void {
  const limit = body['max_output_tokens'];
  if (limit != null) {
    if (typeof limit !== 'number' || !Number.isInteger(limit)) {
      return refuse(wrongType('max_output_tokens', 'an integer', limit), 'max_output_tokens', 'invalid_type');
    }
    if (limit < OUTPUT_TOKENS_MIN) {
      const text = `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= ${OUTPUT_TOKENS_MIN}, but got ${limit} instead.`;
      refuse(text, 'max_output_tokens', 'integer_below_min_value');
    }
  }
  for (const name of ['stream', 'store', 'parallel_tool_calls', 'background']) {
    if (body[name] != null && typeof body[name] !== 'boolean') {
      refuse(wrongType(name, 'a boolean', body[name]), name, 'invalid_type');
    }
  }
  const { include } = body;
  if (include == null) return;
  if (!Array.isArray(include)) return refuse(wrongType('include', 'an array', include), 'include', 'invalid_type');
  const odd = include.findIndex((name) => !INCLUDABLE.includes(textOf(name)));
  if (odd !== -1) refuseValue(textOf(include[odd]), INCLUDABLE, `include[${odd}]`);
}

function validateFormat(body: JsonObject): void {
  const { text } = body;
  if (text == null) return;
  if (!isObject(text)) return refuse(wrongType('text', 'an object', text), 'text', 'invalid_type');
  const { format } = text;
  if (format == null) return;
  if (!isObject(format)) return refuse(wrongType('text.format', 'an object', format), 'text.format', 'invalid_type');
  const type = textOf(format['type']);
  if (!FORMATS.includes(type)) refuseValue(type, FORMATS, 'text.format.type');
  if (type === 'json_object' && !/json/i.test(JSON.stringify([body['instructions'], body['input']]))) {
    const words =
      "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.";
    refuse(words, 'input');
  }
  if (type !== 'json_schema') return;
  if (textOf(format['name']) === '') missing('text.format.name');
  validateName(textOf(format['name']), 'text.format.name');
  if (!isObject(format['schema'])) missing('text.format.schema');
  if (format['strict'] === true) validateStrict(format['schema'], textOf(format['name']), 'text.format.schema');
}
