import type { Conversation, JsonObject, Part } from '@switchboard/protocol';

/** Every image counts the same: its size in pixels is not known without decoding it. */
export const TOKENS_PER_IMAGE = 258;

/** What a chat model's template adds around one message (role, separators); OpenAI publishes 3 for its own. */
export const TOKENS_PER_MESSAGE = 3;

export interface Countable {
  texts: string[];
  images: number;
  /** Messages other than the system prompt. */
  messages: number;
}

/** The text a model reads of a conversation: system, messages, and each tool as JSON. */
export function countable(conversation: Conversation): Countable {
  const found: Countable = { texts: [], images: 0, messages: 0 };
  for (const message of conversation.messages) {
    if (message.role !== 'system') found.messages++;
    for (const part of message.parts) collect(part, found);
  }
  for (const tool of conversation.tools) found.texts.push(JSON.stringify(toolJson(tool)));
  return found;
}

function toolJson(tool: Conversation['tools'][number]): JsonObject {
  switch (tool.type) {
    case 'function':
      return { name: tool.name, description: tool.description ?? '', input_schema: tool.inputSchema };
    case 'custom':
      return { name: tool.name, description: tool.description ?? '', format: tool.format ?? null };
    case 'server':
      return tool.wire;
  }
}

function collect(part: Part, found: Countable): void {
  switch (part.type) {
    case 'text':
    case 'thinking':
    case 'refusal':
      found.texts.push(part.text);
      break;
    case 'image':
      found.images++;
      break;
    case 'tool-call':
      found.texts.push(part.name, part.arguments);
      break;
    case 'tool-result':
      for (const inner of part.parts) collect(inner, found);
      break;
    case 'tool-reference':
      found.texts.push(part.toolName);
      break;
    case 'document':
      if (part.title !== undefined) found.texts.push(part.title);
      if (part.source.type === 'text') found.texts.push(part.source.text);
      if (part.source.type === 'parts') for (const inner of part.source.parts) collect(inner, found);
      break;
    case 'opaque':
      found.texts.push(JSON.stringify(part.wire));
      break;
    case 'audio':
    case 'redacted-thinking':
      break;
  }
}
