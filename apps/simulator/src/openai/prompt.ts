import { isObject, objectsIn, textOf, type JsonObject } from '../json';
import { describeUrl, turnFor, type Attachment, type Prompt, type Tool, type ToolChoice, type Turn } from '../prompt';
import { inputTokens } from '../tokens';

/**
 * How a failed tool result is told apart: the wire has no field for it, so that whoever translates must say it in text.
 */
export const FAILED = /^\s*(\[[^\]\n]*\b(error|failed)\b|(tool )?(error|failed)\b|<(tool_)?error>)/i;

/** Reads a valid Chat Completions request. */
export function readPrompt(body: JsonObject): Prompt {
  const format = isObject(body['response_format']) ? body['response_format'] : {};
  const maxTokens = body['max_completion_tokens'] ?? body['max_tokens'];
  return {
    model: textOf(body['model']),
    stream: body['stream'] === true,
    turns: readTurns(objectsIn(body['messages'])),
    tools: objectsIn(body['tools']).map(readTool),
    toolChoice: readChoice(body['tool_choice']),
    parallelCalls: body['parallel_tool_calls'] !== false,
    ...readFormat(format),
    ...(typeof maxTokens === 'number' ? { maxTokens } : {}),
    stopSequences: (Array.isArray(body['stop']) ? body['stop'] : [body['stop']]).map(textOf),
    thinking: false,
    inputTokens: inputTokens(body['messages'], body['tools']),
  };
}

function readFormat(format: JsonObject): Pick<Prompt, 'format'> {
  if (format['type'] === 'json_object') return { format: {} };
  if (format['type'] !== 'json_schema' || !isObject(format['json_schema'])) return {};
  const { schema } = format['json_schema'];
  return { format: isObject(schema) ? { schema } : {} };
}

function readTool(tool: JsonObject): Tool {
  const freeForm = tool['type'] === 'custom';
  const inner = tool[freeForm ? 'custom' : 'function'];
  const fields = isObject(inner) ? inner : {};
  const schema = isObject(fields['parameters']) ? fields['parameters'] : undefined;
  return { name: textOf(fields['name']), schema, freeForm };
}

function readChoice(choice: unknown): ToolChoice {
  if (choice === 'none') return { type: 'none' };
  if (choice === 'required') return { type: 'any' };
  if (!isObject(choice)) return { type: 'auto' };
  const inner = choice[textOf(choice['type'])];
  if (choice['type'] === 'allowed_tools') {
    return { type: isObject(inner) && inner['mode'] === 'required' ? 'any' : 'auto' };
  }
  return { type: 'tool', name: isObject(inner) ? textOf(inner['name']) : '' };
}

function readTurns(messages: JsonObject[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message['role'] === 'assistant') {
      const turn = turnFor(turns, 'assistant');
      turn.calls += objectsIn(message['tool_calls']).length;
      turn.texts.push(plainText(message['content']));
    } else if (message['role'] === 'tool') {
      const text = plainText(message['content']);
      turnFor(turns, 'user').results.push({ text, failed: FAILED.test(text) });
    } else if (message['role'] === 'user') {
      readUser(message['content'], turnFor(turns, 'user'));
    }
  }
  return turns;
}

function readUser(content: unknown, turn: Turn): void {
  if (typeof content === 'string') turn.texts.push(content);
  for (const part of objectsIn(content)) {
    if (part['type'] === 'text') turn.texts.push(textOf(part['text']));
    else turn.attachments.push(readAttachment(part));
  }
}

function plainText(content: unknown): string {
  if (typeof content === 'string') return content;
  return objectsIn(content)
    .map((part) => textOf(part['text']))
    .join('\n');
}

function readAttachment(part: JsonObject): Attachment {
  const inner = part[textOf(part['type'])];
  const fields = isObject(inner) ? inner : {};
  switch (part['type']) {
    case 'image_url':
      return { noun: 'image', description: describeUrl(textOf(fields['url'])) };
    case 'input_audio':
      return { noun: 'audio clip', description: textOf(fields['format']) };
    default:
      return { noun: 'document', description: describeFile(fields) };
  }
}

function describeFile(file: JsonObject): string {
  const data = textOf(file['file_data']);
  const name = textOf(file['filename']);
  const content = data === '' ? `file ${textOf(file['file_id'])}` : describeUrl(data);
  return content + (name === '' ? '' : `, titled ${name}`);
}
