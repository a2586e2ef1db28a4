import { isObject, objectsIn, textOf, type JsonObject } from '../json';
import { base64Bytes, turnFor, type Attachment, type Prompt, type Tool, type ToolChoice, type Turn } from '../prompt';
import { inputTokens } from '../tokens';

/** Tools without a schema that the client runs nevertheless: their schema is known to both sides. */
const CLIENT_TOOL = /^(bash|text_editor|memory|computer)_\d/;
/** The command that Anthropic's own bash tool gets. */
const KNOWN_SCHEMAS: Readonly<Record<string, JsonObject>> = {
  bash: { type: 'object', required: ['command'], properties: { command: { const: 'echo hello' } } },
};

/** Reads a valid Messages request. */
export function readPrompt(body: JsonObject): Prompt {
  const choice = isObject(body['tool_choice']) ? body['tool_choice'] : {};
  const thinking = isObject(body['thinking']) ? textOf(body['thinking']['type']) : '';
  const output = isObject(body['output_config']) ? body['output_config']['format'] : undefined;
  const format = isObject(output) ? output : body['output_format'];
  return {
    model: textOf(body['model']),
    stream: body['stream'] === true,
    turns: readTurns(objectsIn(body['messages'])),
    tools: objectsIn(body['tools']).flatMap(readTool),
    toolChoice: readChoice(choice),
    parallelCalls: choice['disable_parallel_tool_use'] !== true,
    ...(isObject(format) ? { format: isObject(format['schema']) ? { schema: format['schema'] } : {} } : {}),
    ...(typeof body['max_tokens'] === 'number' ? { maxTokens: body['max_tokens'] } : {}),
    stopSequences: Array.isArray(body['stop_sequences']) ? body['stop_sequences'].map(textOf) : [],
    thinking: thinking === 'enabled' || thinking === 'adaptive',
    inputTokens: inputTokens(body['system'], body['messages'], body['tools']),
  };
}

function readTool(tool: JsonObject): Tool[] {
  const name = textOf(tool['name']);
  if (isObject(tool['input_schema'])) return [{ name, schema: tool['input_schema'], freeForm: false }];
  return CLIENT_TOOL.test(textOf(tool['type'])) ? [{ name, schema: KNOWN_SCHEMAS[name], freeForm: false }] : [];
}

function readChoice(choice: JsonObject): ToolChoice {
  switch (choice['type']) {
    case 'none':
    case 'any':
      return { type: choice['type'] };
    case 'tool':
      return { type: 'tool', name: textOf(choice['name']) };
    default:
      return { type: 'auto' };
  }
}

function readTurns(messages: JsonObject[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const role = message['role'];
    if (role !== 'user' && role !== 'assistant') continue;
    const turn = turnFor(turns, role);
    const { content } = message;
    if (typeof content === 'string') turn.texts.push(content);
    for (const block of objectsIn(content)) readBlock(block, turn);
  }
  return turns;
}

function readBlock(block: JsonObject, turn: Turn): void {
  switch (block['type']) {
    case 'text':
      turn.texts.push(textOf(block['text']));
      return;
    case 'tool_use':
      turn.calls += 1;
      return;
    case 'tool_result':
      readResult(block, turn);
      return;
    case 'image':
    case 'document':
      turn.attachments.push(readAttachment(block));
      return;
    default:
      return;
  }
}

function readResult(block: JsonObject, turn: Turn): void {
  const inner = objectsIn(block['content']);
  const texts = typeof block['content'] === 'string' ? [block['content']] : inner.map((one) => textOf(one['text']));
  turn.results.push({ text: texts.filter((text) => text !== '').join('\n'), failed: block['is_error'] === true });
  const attached = inner.filter((one) => one['type'] === 'image' || one['type'] === 'document');
  turn.attachments.push(...attached.map(readAttachment));
}

function readAttachment(block: JsonObject): Attachment {
  const noun = block['type'] === 'image' ? 'image' : 'document';
  const title = textOf(block['title']);
  const source = isObject(block['source']) ? block['source'] : {};
  return { noun, description: describeSource(source) + (title === '' ? '' : `, titled ${title}`) };
}

function describeSource(source: JsonObject): string {
  const data = textOf(source['data']);
  switch (source['type']) {
    case 'base64':
      return `${textOf(source['media_type'])}, ${base64Bytes(data)} bytes`;
    case 'text':
      return `text/plain, ${Buffer.byteLength(data)} bytes`;
    case 'url':
      return textOf(source['url']);
    case 'file':
      return `file ${textOf(source['file_id'])}`;
    default:
      return textOf(source['type']);
  }
}
