import { isObject, objectsIn, textOf, type JsonObject } from '../json';
import { describeUrl, turnFor, type Attachment, type Prompt, type Tool, type ToolChoice, type Turn } from '../prompt';
import { inputTokens } from '../tokens';
import { FAILED } from '../openai/prompt';

/** Reads a valid Responses request. */
export function readPrompt(body: JsonObject): Prompt {
  const { input } = body;
  const items: JsonObject[] = typeof input === 'string' ? [{ role: 'user', content: input }] : objectsIn(input);
  const text = isObject(body['text']) ? body['text'] : {};
  const reasoning = isObject(body['reasoning']) ? body['reasoning'] : {};
  const effort = reasoning['effort'];
  return {
    model: textOf(body['model']),
    stream: body['stream'] === true,
    turns: readTurns(items),
    tools: toolsOf(body, items),
    toolChoice: readChoice(body['tool_choice']),
    parallelCalls: body['parallel_tool_calls'] !== false,
    ...readFormat(isObject(text['format']) ? text['format'] : {}),
    ...(typeof body['max_output_tokens'] === 'number' ? { maxTokens: body['max_output_tokens'] } : {}),
    stopSequences: [],
    thinking: typeof effort === 'string' && effort !== 'none',
    inputTokens: inputTokens(body['instructions'], input, body['tools']),
  };
}

/** Those of the request, of `additional_tools`, and those that a search has found. */
function toolsOf(body: JsonObject, items: JsonObject[]): Tool[] {
  const later = items.filter(({ type }) => type === 'additional_tools' || type === 'tool_search_output');
  return [body, ...later].flatMap((holder) => objectsIn(holder['tools']).flatMap((tool) => readTool(tool)));
}

function readTool(tool: JsonObject): Tool[] {
  const name = textOf(tool['name']);
  switch (tool['type']) {
    case 'function':
      return [{ name, schema: isObject(tool['parameters']) ? tool['parameters'] : undefined, freeForm: false }];
    case 'custom':
      return [{ name, schema: undefined, freeForm: true }];
    case 'namespace':
      return objectsIn(tool['tools']).flatMap((inner) => readTool(inner).map((one) => ({ ...one, namespace: name })));
    case 'tool_search':
      if (tool['execution'] !== 'client') return [];
      return [{ name: 'tool_search', schema: searchSchema(tool), freeForm: false, search: true }];
    default:
      return [];
  }
}

function searchSchema({ parameters }: JsonObject): JsonObject | undefined {
  return isObject(parameters) ? parameters : undefined;
}

function readChoice(choice: unknown): ToolChoice {
  if (choice === 'none') return { type: 'none' };
  if (choice === 'required') return { type: 'any' };
  if (!isObject(choice)) return { type: 'auto' };
  if (choice['type'] === 'allowed_tools') return { type: choice['mode'] === 'required' ? 'any' : 'auto' };
  return { type: 'tool', name: textOf(choice['name']) };
}

function readFormat(format: JsonObject): Pick<Prompt, 'format'> {
  if (format['type'] === 'json_object') return { format: {} };
  if (format['type'] !== 'json_schema') return {};
  return { format: isObject(format['schema']) ? { schema: format['schema'] } : {} };
}

function readTurns(items: JsonObject[]): Turn[] {
  const turns: Turn[] = [];
  for (const item of items) readItem(item, turns);
  return turns;
}

function readItem(item: JsonObject, turns: Turn[]): void {
  switch (item['type'] ?? 'message') {
    case 'message':
      if (item['role'] === 'assistant') turnFor(turns, 'assistant').texts.push(plainText(item['content']));
      else if (item['role'] === 'user') readUser(item['content'], turnFor(turns, 'user'));
      return;
    case 'function_call':
    case 'custom_tool_call':
    case 'tool_search_call':
      turnFor(turns, 'assistant').calls += 1;
      return;
    case 'function_call_output':
    case 'custom_tool_call_output':
      readOutput(item['output'], turnFor(turns, 'user'));
      return;
    case 'tool_search_output':
      turnFor(turns, 'user').results.push({ text: foundTools(item), failed: false });
      return;
    default:
      return;
  }
}

function foundTools(item: JsonObject): string {
  return objectsIn(item['tools'])
    .map((tool) => textOf(tool['name']))
    .join(', ');
}

function readOutput(output: unknown, turn: Turn): void {
  const text = plainText(output);
  turn.results.push({ text, failed: FAILED.test(text) });
  for (const part of objectsIn(output)) if (part['type'] !== 'input_text') turn.attachments.push(readAttachment(part));
}

function readUser(content: unknown, turn: Turn): void {
  if (typeof content === 'string') turn.texts.push(content);
  for (const part of objectsIn(content)) {
    if (part['type'] === 'input_text') turn.texts.push(textOf(part['text']));
    else turn.attachments.push(readAttachment(part));
  }
}

function plainText(content: unknown): string {
  if (typeof content === 'string') return content;
  return objectsIn(content)
    .map((part) => textOf(part['text'] ?? part['refusal']))
    .filter((text) => text !== '')
    .join('\n');
}

function readAttachment(part: JsonObject): Attachment {
  if (part['type'] === 'input_image') {
    const url = textOf(part['image_url']);
    return { noun: 'image', description: url === '' ? `file ${textOf(part['file_id'])}` : describeUrl(url) };
  }
  const data = textOf(part['file_data']) || textOf(part['file_url']);
  const name = textOf(part['filename']);
  const content = data === '' ? `file ${textOf(part['file_id'])}` : describeUrl(data);
  return { noun: 'document', description: content + (name === '' ? '' : `, titled ${name}`) };
}
