import { refuse } from '../api-failure';
import { isObject, objectsIn, textOf, type JsonObject } from '../json';
import { missing, validateName, wrongType } from './refusals';

const ROLES = ['system', 'assistant', 'user', 'function', 'tool', 'developer'];
const CALL_ID_LENGTH_MAX = 40;

/** Refuses what the Chat Completions API refuses in `messages`, in its words. */
export function validateMessages(messages: unknown): void {
  if (messages === undefined) missing('messages');
  if (!Array.isArray(messages))
    return refuse(wrongType('messages', 'an array of objects', messages), 'messages', 'invalid_type');
  if (messages.length === 0) {
    const text =
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
    refuse(text, 'messages', 'empty_array');
  }
  messages.forEach((message: unknown, at) => validateMessage(message, at));
  validateToolPairs(objectsIn(messages));
}

function validateMessage(message: unknown, at: number): void {
  const path = `messages[${at}]`;
  if (!isObject(message)) return refuse(wrongType(path, 'an object', message), path, 'invalid_type');
  if (message['role'] === undefined) missing(`${path}.role`);
  const role = textOf(message['role']);
  if (!ROLES.includes(role)) {
    const text = `Invalid value: '${role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.`;
    refuse(text, `${path}.role`, 'invalid_value');
  }
  validateContent(message, role, at);
  if (role === 'assistant') validateCalls(message['tool_calls'], path);
  if (role === 'tool' && textOf(message['tool_call_id']) === '') missing(`${path}.tool_call_id`);
}

function validateContent(message: JsonObject, role: string, at: number): void {
  const { content } = message;
  const path = `messages.[${at}].content`;
  if (content == null) {
    if (
      role === 'function' ||
      (role === 'assistant' && (message['tool_calls'] || message['refusal'] || message['function_call']))
    )
      return;
    refuse("Invalid value for 'content': expected a string, got null.", path);
  }
  if (typeof content === 'string') return;
  if (!Array.isArray(content))
    return refuse(
      wrongType(`messages[${at}].content`, 'one of a string or array of objects', content),
      path,
      'invalid_type',
    );
  if (content.length === 0) {
    const text = `Invalid 'messages[${at}].content': empty array. Expected an array with minimum length 1, but got an empty array instead.`;
    refuse(text, path, 'empty_array');
  }
  content.forEach((part: unknown, index) => validatePart(part, role, at, index));
}

function validatePart(part: unknown, role: string, at: number, index: number): void {
  const path = `messages[${at}].content[${index}]`;
  if (!isObject(part)) return refuse(wrongType(path, 'an object', part), path, 'invalid_type');
  const type = textOf(part['type']);
  if (type === 'text') {
    if (typeof part['text'] !== 'string') missing(`${path}.text`);
    return;
  }
  if (type === 'refusal' && role === 'assistant') return;
  if (role !== 'user') {
    const noun = type === 'image_url' ? 'Image URLs are' : `Content blocks of type '${type}' are`;
    const text = `Invalid '${path}'. ${noun} only allowed for messages with role 'user', but this message with role '${role}' contains one.`;
    refuse(text, path, 'invalid_value');
  }
  if (type === 'image_url') return validateImage(part['image_url'], path);
  if (type === 'file' || type === 'input_audio') {
    if (!isObject(part[type])) missing(`${path}.${type}`);
    return;
  }
  const text = `Invalid value: '${type}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.`;
  refuse(text, `${path}.type`, 'invalid_value');
}

function validateImage(image: unknown, path: string): void {
  if (!isObject(image))
    return refuse(wrongType(`${path}.image_url`, 'an object', image), `${path}.image_url`, 'invalid_type');
  const url = textOf(image['url']);
  if (url === '') missing(`${path}.image_url.url`);
  if (!/^(https?:\/\/|data:image\/[a-z+.-]+;base64,[A-Za-z0-9+/]+=*$)/.test(url)) {
    refuse(
      'Invalid image URL: it must be an http(s) URL or a base64-encoded data URL of an image.',
      `${path}.image_url.url`,
      'invalid_image_url',
    );
  }
}

function validateCalls(calls: unknown, messagePath: string): void {
  if (calls == null) return;
  const path = `${messagePath}.tool_calls`;
  if (!Array.isArray(calls)) return refuse(wrongType(path, 'an array of objects', calls), path, 'invalid_type');
  if (calls.length === 0) {
    const text = `Invalid '${path}': empty array. Expected an array with minimum length 1, but got an empty array instead.`;
    refuse(text, path, 'empty_array');
  }
  objectsIn(calls).forEach((call, at) => validateCall(call, `${path}[${at}]`));
}

function validateCall(call: JsonObject, path: string): void {
  const id = textOf(call['id']);
  if (id === '') missing(`${path}.id`);
  if (id.length > CALL_ID_LENGTH_MAX) {
    const text = `Invalid '${path}.id': string too long. Expected a string with maximum length ${CALL_ID_LENGTH_MAX}, but got a string with length ${id.length} instead.`;
    refuse(text, `${path}.id`, 'string_above_max_length');
  }
  const type = textOf(call['type']);
  if (type !== 'function' && type !== 'custom') missing(`${path}.type`);
  const inner = call[type];
  if (!isObject(inner)) return missing(`${path}.${type}`);
  validateName(textOf(inner['name']), `${path}.${type}.name`);
  const key = type === 'function' ? 'arguments' : 'input';
  const payload = inner[key];
  if (payload === undefined) missing(`${path}.${type}.${key}`);
  if (typeof payload !== 'string') {
    refuse(wrongType(`${path}.${type}.${key}`, 'a string', payload), `${path}.${type}.${key}`, 'invalid_type');
  }
}

/** Every call answered by the tool messages right after it, no tool message without its call. */
function validateToolPairs(messages: JsonObject[]): void {
  let open = new Set<string>();
  let answerable = new Set<string>();
  messages.forEach((message, at) => {
    if (message['role'] === 'tool') {
      const id = textOf(message['tool_call_id']);
      if (!answerable.has(id)) {
        const text =
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
        refuse(text, `messages.[${at}].role`);
      }
      open.delete(id);
      return;
    }
    refuseUnanswered(open, at);
    answerable = new Set(objectsIn(message['tool_calls']).map((call) => textOf(call['id'])));
    open = new Set(answerable);
  });
  refuseUnanswered(open, messages.length);
}

function refuseUnanswered(open: Set<string>, at: number): void {
  if (open.size === 0) return;
  refuse(
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
    `messages.[${at}].role`,
  );
}
