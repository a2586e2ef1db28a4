import type { Message, Part, ToolCallPart } from '../../conversation';
import type { JsonObject } from '../../json';
import { loseOpaque, place, type PlacedPart } from '../openai/placed-parts';
import { collapse, encodeUserParts, text } from './convert-to-parts';
import { encodeToolCall } from './convert-tool-calls';
import { encodeToolResult, type PlacedResult } from './convert-to-tool-results';
import type { Encoding } from '../openai/encoding';

interface PlacedMessage {
  message: Message;
  path: string;
}

/**
 * Chat demands that every call is answered by a `tool` message directly after the assistant's. So the messages between
 * one assistant message and the next are taken together: results first, in the order of the calls, then what the
 * results could not carry, then the rest in its own order.
 */
export function encodeMessages(messages: readonly Message[], encoding: Encoding): JsonObject[] {
  const wires: JsonObject[] = [];
  let calls: ToolCallPart[] = [];
  let between: PlacedMessage[] = [];
  messages.forEach((message, index) => {
    const placed = { message, path: `messages[${index}]` };
    if (message.role !== 'assistant') {
      between.push(placed);
      return;
    }
    wires.push(...encodeBetween(between, calls, encoding), encodeAssistant(message, placed.path, encoding));
    calls = message.parts.filter((part) => part.type === 'tool-call');
    between = [];
  });
  wires.push(...encodeBetween(between, calls, encoding));
  return wires;
}

function encodeBetween(between: PlacedMessage[], calls: ToolCallPart[], encoding: Encoding): JsonObject[] {
  const results = collectResults(between, encoding);
  const order = new Map(calls.map((call, index) => [call.id, index]));
  const rank = ({ result }: PlacedResult): number => order.get(result.callId) ?? calls.length;
  results.sort((left, right) => rank(left) - rank(right));

  const encoded = results.map((result) => encodeToolResult(result, encoding));
  const wires = encoded.map(({ message }) => message);
  let attachments = encoded.length === 0 ? [] : encoded.flatMap((result) => result.attachments);
  for (const { message, path } of between) {
    encoding.loseUnmapped(message.unmapped);
    const placed = place(message.parts, `${path}.content`).filter(({ part }) => part.type !== 'tool-result');
    if (message.role === 'system') {
      if (attachments.length > 0) wires.push({ role: 'user', content: attachments });
      attachments = [];
      wires.push(encodeSystem(placed, message.developer === true, encoding));
      continue;
    }
    if (placed.length === 0 && message.parts.length > 0) continue;
    if (message.name !== undefined && attachments.length > 0) {
      wires.push({ role: 'user', content: attachments });
      attachments = [];
    }
    const content = collapse([...attachments, ...encodeUserParts(placed, encoding)]);
    attachments = [];
    wires.push(message.name === undefined ? { role: 'user', content } : { role: 'user', content, name: message.name });
  }
  if (attachments.length > 0) wires.push({ role: 'user', content: attachments });
  return wires;
}

function collectResults(between: readonly PlacedMessage[], encoding: Encoding): PlacedResult[] {
  const results: PlacedResult[] = [];
  let othersBefore = false;
  for (const { message, path } of between) {
    for (const { part, path: partPath } of place(message.parts, `${path}.content`)) {
      if (part.type !== 'tool-result') {
        othersBefore = true;
        continue;
      }
      if (othersBefore) encoding.lose('content_order', partPath);
      results.push({ result: part, path: partPath });
    }
  }
  return results;
}

function encodeSystem(placed: PlacedPart[], developer: boolean, encoding: Encoding): JsonObject {
  for (const { part, path } of placed) {
    if (part.type !== 'text' && part.type !== 'opaque') {
      encoding.refuse(`The upstream of this model takes only text in system messages, not '${part.type}'.`, path);
    }
  }
  return { role: developer ? 'developer' : 'system', content: collapse(encodeUserParts(placed, encoding)) };
}

function encodeAssistant(message: Message & { role: 'assistant' }, path: string, encoding: Encoding): JsonObject {
  encoding.loseUnmapped(message.unmapped);
  const content: JsonObject[] = [];
  const calls: JsonObject[] = [];
  for (const { part, path: partPath } of place(message.parts, `${path}.content`)) {
    encoding.loseExtras(part, partPath);
    if (part.type === 'tool-call') {
      calls.push(encodeToolCall(part, encoding.toolName(part.name)));
      continue;
    }
    const wire = encodeAssistantPart(part, partPath, encoding);
    if (!wire) continue;
    if (calls.length > 0) encoding.lose('content_order', partPath);
    content.push(wire);
  }
  const refusal = content.length === 1 && content[0]?.type === 'refusal' ? content[0].refusal : undefined;
  const nothing = calls.length > 0 ? null : '';
  return {
    role: 'assistant',
    content: refusal !== undefined ? null : content.length === 0 ? nothing : collapse(content),
    ...(refusal !== undefined && { refusal }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(message.name !== undefined && { name: message.name }),
  };
}

function encodeAssistantPart(part: Part, path: string, encoding: Encoding): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return text(part.text);
    case 'refusal':
      return { type: 'refusal', refusal: part.text };
    case 'thinking':
      encoding.loseThinking(part, path);
      return undefined;
    case 'redacted-thinking':
      encoding.lose('redacted_thinking', path);
      return undefined;
    case 'opaque':
      loseOpaque(part, path, encoding);
      return undefined;
    case 'image':
    case 'document':
    case 'audio':
      encoding.lose(`block.${part.type}`, path);
      return undefined;
    case 'tool-call':
    case 'tool-result':
    case 'tool-reference':
      encoding.refuse(`A '${part.type}' part cannot stand in an assistant message.`, path);
      return undefined;
  }
}
