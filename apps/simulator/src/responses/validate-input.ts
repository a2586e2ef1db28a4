import { ApiFailure, refuse } from '../api-failure';
import { isObject, objectsIn, textOf, type JsonObject } from '../json';
import { missing, validateName, wrongType } from '../openai/refusals';
import { refuseValue } from './refusals';
import { unseal } from './sealed';
import { validateContent, validateOutput } from './validate-content';
import { validateToolList } from './validate-tools';

const CALL_ID_LENGTH_MAX = 64;
const ROLES = ['assistant', 'system', 'developer', 'user'];
/** The beginning that ids of items have to have, where they have one; of the others nothing is looked at. */
const ID_PREFIXES: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  custom_tool_call: 'ctc',
};
const TYPES = [
  ...['message', 'reasoning', 'function_call', 'function_call_output', 'custom_tool_call', 'custom_tool_call_output'],
  ...['item_reference', 'tool_search_call', 'tool_search_output', 'additional_tools', 'configuration_update'],
  ...['compaction', 'compaction_trigger', 'web_search_call', 'file_search_call', 'computer_call'],
  ...['computer_call_output', 'image_generation_call', 'code_interpreter_call', 'local_shell_call'],
  ...['local_shell_call_output', 'shell_call', 'shell_call_output', 'apply_patch_call', 'apply_patch_call_output'],
  ...['mcp_list_tools', 'mcp_approval_request', 'mcp_approval_response', 'mcp_call', 'program', 'program_output'],
];

/** Refuses what the Responses API refuses in `input`, in its words. */
export function validateInput(input: unknown): void {
  if (input === undefined) missing('input');
  if (typeof input === 'string') return;
  if (!Array.isArray(input)) {
    return refuse(wrongType('input', 'one of a string or array of input items', input), 'input', 'invalid_type');
  }
  input.forEach((item: unknown, at) => validateItem(item, `input[${at}]`));
  const items = objectsIn(input);
  validatePairs(items, 'function_call', 'function call');
  validatePairs(items, 'custom_tool_call', 'custom tool call');
}

function validateItem(item: unknown, path: string): void {
  if (!isObject(item)) return refuse(wrongType(path, 'an input item', item), path, 'invalid_type');
  const type = textOf(item['type'] ?? (item['role'] === undefined ? '' : 'message'));
  if (!TYPES.includes(type)) refuseValue(type, TYPES, path);
  const prefix = ID_PREFIXES[type];
  const id = textOf(item['id']);
  if (prefix !== undefined && id !== '' && !id.startsWith(prefix)) {
    const text = `Invalid '${path}.id': '${id}'. Expected an ID that begins with '${prefix}'.`;
    refuse(text, `${path}.id`, 'invalid_value');
  }
  validateFields(item, type, path);
}

function validateFields(item: JsonObject, type: string, path: string): void {
  switch (type) {
    case 'message':
      if (!ROLES.includes(textOf(item['role']))) refuseValue(textOf(item['role']), ROLES, path);
      return validateContent(item['content'], textOf(item['role']), `${path}.content`);
    case 'reasoning':
      if (!Array.isArray(item['summary'])) missing(`${path}.summary`);
      if (item['encrypted_content'] != null) validateEncrypted(item);
      return;
    case 'compaction':
      if (textOf(item['encrypted_content']) === '') missing(`${path}.encrypted_content`);
      return validateEncrypted(item);
    case 'function_call':
      return validateCall(item, 'arguments', path);
    case 'custom_tool_call':
      return validateCall(item, 'input', path);
    case 'function_call_output':
    case 'custom_tool_call_output':
      validateCallId(item, path);
      return validateOutput(item['output'], `${path}.output`);
    case 'additional_tools':
    case 'tool_search_output':
      validateToolList(item['tools'], `${path}.tools`);
      return;
    case 'item_reference':
      return refuseReference(textOf(item['id']), path);
    default:
      return;
  }
}

/** Nothing is stored here, so that whatever is referred to is not found. */
function refuseReference(id: string, path: string): void {
  if (id === '') missing(`${path}.id`);
  const text =
    `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. ` +
    'Try again with `store` set to true, or remove this item from your input.';
  throw new ApiFailure(404, 'invalid_request_error', text, 'input');
}

function validateEncrypted(item: JsonObject): void {
  const encrypted = textOf(item['encrypted_content']);
  if (unseal(encrypted) !== undefined) return;
  const shown = encrypted.length > 24 ? `${encrypted.slice(0, 12)}...${encrypted.slice(-8)}` : encrypted;
  const text = `The encrypted content ${shown} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`;
  refuse(text, null, 'invalid_encrypted_content');
}

function validateCall(item: JsonObject, payloadKey: string, path: string): void {
  validateCallId(item, path);
  if (textOf(item['name']) === '') missing(`${path}.name`);
  validateName(textOf(item['name']), `${path}.name`);
  const payload = item[payloadKey];
  if (payload === undefined) missing(`${path}.${payloadKey}`);
  if (typeof payload !== 'string') {
    refuse(wrongType(`${path}.${payloadKey}`, 'a string', payload), `${path}.${payloadKey}`, 'invalid_type');
  }
}

function validateCallId(item: JsonObject, path: string): void {
  const id = textOf(item['call_id']);
  if (id === '') missing(`${path}.call_id`);
  if (id.length <= CALL_ID_LENGTH_MAX) return;
  const text = `Invalid '${path}.call_id': string too long. Expected a string with maximum length ${CALL_ID_LENGTH_MAX}, but got a string with length ${id.length} instead.`;
  refuse(text, `${path}.call_id`, 'string_above_max_length');
}

/** Every call answered somewhere after it, and no answer without its call. */
function validatePairs(items: JsonObject[], type: string, words: string): void {
  const asked = new Set<string>();
  const open = new Set<string>();
  for (const item of items) {
    const id = textOf(item['call_id']);
    if (item['type'] === type) {
      asked.add(id);
      open.add(id);
    } else if (item['type'] === `${type}_output`) {
      if (!asked.has(id)) refuse(`No tool call found for ${words} output with call_id ${id}.`, 'input');
      open.delete(id);
    }
  }
  const [unanswered] = open;
  if (unanswered !== undefined) refuse(`No tool output found for ${words} ${unanswered}.`, 'input');
}
