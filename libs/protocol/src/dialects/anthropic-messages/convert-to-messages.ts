import type { Conversation, Message } from '../../conversation';
import type { JsonObject } from '../../json';
import { encodeParts } from './convert-to-blocks';
import type { Encoding } from './encoding';
import type { MessageWire } from './wire';

/** Stands in for the JSON mode that Chat has and this API has not. */
const JSON_HINT = 'Answer with one JSON object and nothing else.';

/**
 * `system` and `messages`, into `body`. System messages at the head become `system`; later ones keep their place. Neighbours of one
 * role become one message, tool results at its front, so that all results of parallel calls answer together.
 */
export function encodeMessages(body: JsonObject, conversation: Conversation, encoding: Encoding): void {
  const { messages } = conversation;
  const headLength = messages.findIndex(({ role }) => role !== 'system');
  const head = headLength === -1 ? messages : messages.slice(0, headLength);
  const system: JsonObject[] = [];
  head.forEach((message, index) => {
    for (const block of encodeMessage(message, index, encoding)) system.push(block);
  });
  if (conversation.outputFormat?.type === 'json-object') {
    encoding.lose('response_format.json_object', 'response_format');
    system.push({ type: 'text', text: JSON_HINT });
  }
  const builder = new MessageBuilder();
  messages.slice(head.length).forEach((message, index) => {
    builder.add(message.role, encodeMessage(message, head.length + index, encoding));
  });
  const built = builder.finish();
  if (built.length === 0)
    encoding.fault ??= { message: 'messages: at least one message is required', param: 'messages' };
  if (system.length > 0) body['system'] = plainOrBlocks(system);
  body['messages'] = built;
}

function encodeMessage(message: Message, index: number, encoding: Encoding): JsonObject[] {
  const path = `messages[${index}]`;
  if (message.role !== 'system' && message.name !== undefined) encoding.lose('message.name', `${path}.name`);
  encoding.loseUnmapped(message.unmapped);
  return encodeParts(message.parts, `${path}.content`, encoding);
}

/** A lone plain text goes as a string: shorter, and every compatible server takes it. */
function plainOrBlocks(blocks: JsonObject[]): string | JsonObject[] {
  const [only] = blocks;
  const isPlain =
    blocks.length === 1 && only !== undefined && Object.keys(only).every((key) => key === 'type' || key === 'text');
  return isPlain && typeof only['text'] === 'string' ? only['text'] : blocks;
}

class MessageBuilder {
  private readonly messages: MessageWire[] = [];
  private heldSystem: JsonObject[] = [];

  add(role: MessageWire['role'], blocks: JsonObject[]): void {
    if (blocks.length === 0) return;
    const last = this.messages.at(-1);
    if (role === 'system' && (this.heldSystem.length > 0 || (last !== undefined && hasCalls(last)))) {
      // Nothing may stand between calls and their results, which may come in several messages.
      this.heldSystem.push(...blocks);
      return;
    }
    if (role === 'assistant') this.releaseSystem();
    const previous = this.messages.at(-1);
    if (previous?.role === role) previous.content.push(...blocks);
    else this.messages.push({ role, content: blocks });
  }

  finish(): JsonObject[] {
    this.releaseSystem();
    return this.messages.map(({ role, content }) => ({ role, content: plainOrBlocks(resultsFirst(content)) }));
  }

  private releaseSystem(): void {
    if (this.heldSystem.length > 0) this.messages.push({ role: 'system', content: this.heldSystem });
    this.heldSystem = [];
  }
}

function hasCalls({ role, content }: MessageWire): boolean {
  return role === 'assistant' && content.some(({ type }) => type === 'tool_use');
}

function resultsFirst(blocks: JsonObject[]): JsonObject[] {
  const results = blocks.filter(({ type }) => type === 'tool_result');
  return results.length === 0 ? blocks : [...results, ...blocks.filter(({ type }) => type !== 'tool_result')];
}
