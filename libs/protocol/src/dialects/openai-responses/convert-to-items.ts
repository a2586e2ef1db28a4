import type { Conversation, Message, Part, TextPart } from '../../conversation';
import type { JsonObject, JsonValue } from '../../json';
import type { Encoding } from '../openai/encoding';
import { loseOpaque, place, type PlacedPart } from '../openai/placed-parts';
import { CallIndex, encodeCall } from './convert-to-calls';
import { collapse, encodeInputParts } from './convert-to-parts';
import { annotationsOf } from './convert-to-output';
import { DIALECT_ID } from './wire';

/**
 * `instructions` and `input`. A system message at the head that is one plain text goes as the instructions; every other
 * message keeps its place.
 */
export function encodeInput(conversation: Conversation, encoding: Encoding): JsonObject {
  const calls = new CallIndex(conversation);
  const instructions = plainInstructions(conversation.messages[0]);
  const input: JsonObject[] = [];
  conversation.messages.forEach((message, index) => {
    encoding.loseUnmapped(message.unmapped);
    if (index === 0 && instructions !== undefined) return;
    const path = `messages[${index}]`;
    if (message.role !== 'system' && message.name !== undefined) encoding.lose('message.name', `${path}.name`);
    const placed = place(message.parts, `${path}.content`);
    if (message.role === 'assistant') input.push(...encodeAssistant(placed, encoding));
    else if (message.role === 'user') input.push(...encodeUser(placed, calls, encoding));
    else input.push(wireMessage(message.developer ? 'developer' : 'system', encodeInputParts(placed, encoding)));
  });
  if (conversation.compaction) input.push({ type: 'compaction_trigger' });
  return { ...(instructions !== undefined && { instructions }), input };
}

function plainInstructions(first: Message | undefined): string | undefined {
  if (first?.role !== 'system' || first.developer || first.parts.length !== 1) return undefined;
  const [only] = first.parts;
  const isPlain = only?.type === 'text' && !only.cache && !only.citations?.length && !only.unmapped?.length;
  return isPlain && only.text !== '' ? only.text : undefined;
}

function wireMessage(role: 'user' | 'system' | 'developer', content: JsonObject[]): JsonObject {
  return { type: 'message', role, content: collapse(content) };
}

/** Results are items of their own, between what else the user says. */
function encodeUser(placed: readonly PlacedPart[], calls: CallIndex, encoding: Encoding): JsonObject[] {
  if (placed.length === 0) return [wireMessage('user', [])];
  const items: JsonObject[] = [];
  let said: PlacedPart[] = [];
  const close = (): void => {
    const content = encodeInputParts(said, encoding);
    if (content.length > 0) items.push(wireMessage('user', content));
    said = [];
  };
  for (const entry of placed) {
    const item = encodeUserItem(entry, calls, encoding);
    if (!item) {
      said.push(entry);
      continue;
    }
    close();
    items.push(item);
  }
  close();
  return items;
}

function encodeUserItem({ part, path }: PlacedPart, calls: CallIndex, encoding: Encoding): JsonObject | undefined {
  if (part.type === 'tool-result') return calls.encodeResult(part, path, encoding);
  return part.type === 'opaque' && part.dialect === DIALECT_ID ? part.wire : undefined;
}

/** Reasoning, texts and calls are items in their order; neighbouring texts are one message. */
function encodeAssistant(placed: readonly PlacedPart[], encoding: Encoding): JsonObject[] {
  if (placed.length === 0) return [{ type: 'message', role: 'assistant', content: '' }];
  const items: JsonObject[] = [];
  let content: JsonObject[] = [];
  const close = (): void => {
    if (content.length > 0) items.push({ type: 'message', role: 'assistant', content: plainOrParts(content) });
    content = [];
  };
  for (const { part, path } of placed) {
    encoding.loseExtras(withoutCitations(part), path);
    if (part.type === 'text') content.push(encodeText(part, path, encoding));
    else if (part.type === 'refusal') content.push({ type: 'refusal', refusal: part.text });
    else {
      const item = encodeAssistantItem(part, path, encoding);
      if (!item) continue;
      close();
      items.push(item);
    }
  }
  close();
  return items;
}

/** Those of a text have a place here. */
function withoutCitations(part: Part): Part {
  if (part.type !== 'text' || !part.citations) return part;
  const { citations: _, ...rest } = part;
  return rest;
}

function encodeText({ text, citations = [] }: TextPart, path: string, encoding: Encoding): JsonObject {
  return { type: 'output_text', text, annotations: annotationsOf(citations, text, path, encoding.losses) };
}

function plainOrParts(content: JsonObject[]): JsonValue {
  const [only] = content;
  const isPlain =
    content.length === 1 && only?.type === 'output_text' && (only.annotations as JsonValue[]).length === 0;
  return isPlain ? (only.text ?? '') : content;
}

function encodeAssistantItem(
  part: Exclude<Part, { type: 'text' | 'refusal' }>,
  path: string,
  encoding: Encoding,
): JsonObject | undefined {
  const takesReasoning = encoding.target.reasoning;
  switch (part.type) {
    case 'tool-call':
      return encodeCall(part, path, encoding);
    case 'thinking':
      // The API takes no reasoning that it did not sign.
      if (part.signature && part.signedBy === DIALECT_ID && takesReasoning) return reasoning(part.text, part.signature);
      encoding.loseThinking(part, path);
      return undefined;
    case 'redacted-thinking':
      if (part.signedBy === DIALECT_ID && takesReasoning) return reasoning('', part.data);
      encoding.lose('redacted_thinking', path);
      return undefined;
    case 'opaque':
      if (part.dialect === DIALECT_ID) return part.wire;
      loseOpaque(part, path, encoding);
      return undefined;
    case 'image':
    case 'document':
    case 'audio':
      encoding.lose(`block.${part.type}`, path);
      return undefined;
    case 'tool-result':
    case 'tool-reference':
      encoding.refuse(`A '${part.type}' part cannot stand in an assistant message.`, path);
      return undefined;
  }
}

function reasoning(summary: string, encrypted: string): JsonObject {
  return {
    type: 'reasoning',
    summary: summary === '' ? [] : [{ type: 'summary_text', text: summary }],
    encrypted_content: encrypted,
  };
}
