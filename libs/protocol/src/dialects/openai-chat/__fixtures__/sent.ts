import type { Conversation, FunctionTool, Message, Part, Tool } from '../../../conversation';
import type { RequestTarget } from '../../../dialect';
import type { JsonObject } from '../../../json';
import { encodeRequest } from '../request';
import { CAPABLE_TARGET } from './round-trip';

export const PNG: Part = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } };
export const PDF: Part = { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'BBBB' } };
export const FUNCTION: FunctionTool = { type: 'function', name: 'f', inputSchema: { type: 'object' } };

export function conversation(parts: Partial<Conversation>): Conversation {
  return {
    model: 'm',
    messages: [user(text('Hello'))],
    tools: [],
    sampling: {},
    stream: false,
    unmapped: [],
    ...parts,
  };
}

export function sent(parts: Partial<Conversation>, target: RequestTarget = CAPABLE_TARGET) {
  const encoded = encodeRequest(conversation(parts), target);
  if (!encoded.ok) throw new Error(encoded.fault.message);
  return encoded;
}

export function wires(...messages: Message[]): JsonObject[] {
  return sent({ messages }).body.messages as JsonObject[];
}

export function refusal(parts: Partial<Conversation>, target: RequestTarget = CAPABLE_TARGET): string {
  const encoded = encodeRequest(conversation(parts), target);
  if (encoded.ok) throw new Error('expected a refusal');
  return encoded.fault.message;
}

export function features(parts: Partial<Conversation>, target: RequestTarget = CAPABLE_TARGET): string[] {
  return sent(parts, target).losses.map(({ feature }) => feature);
}

export function user(...parts: Part[]): Message {
  return { role: 'user', parts };
}

export function assistant(...parts: Part[]): Message {
  return { role: 'assistant', parts };
}

export function text(content: string): Part {
  return { type: 'text', text: content };
}

export function wireText(content: string): JsonObject {
  return { type: 'text', text: content };
}

export function call(id: string): Part {
  return { type: 'tool-call', id, name: 'f', arguments: '{}' };
}

export function wireCall(id: string): JsonObject {
  return { id, type: 'function', function: { name: 'f', arguments: '{}' } };
}

export function opaque(type: string): Part {
  return { type: 'opaque', dialect: 'anthropic-messages', wire: { type } };
}

export function document(source: { type: 'url'; url: string } | { type: 'file'; fileId: string }): Part {
  return { type: 'document', source };
}

export function image(source: { type: 'file'; fileId: string }): Part {
  return { type: 'image', source };
}

export function serverTool(): Tool {
  const wire = { type: 'web_search_20250305', name: 'web_search' };
  return { type: 'server', dialect: 'anthropic-messages', name: 'web_search', wire };
}
