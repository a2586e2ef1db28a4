import { refuse } from '../api-failure';
import { isObject, objectsIn, textOf, type JsonObject } from '../json';
import { isSealed, signThinking } from './signature';

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];
const ROLES = ['user', 'assistant', 'system'];

interface MergedTurn {
  role: string;
  /** Position of its first message. */
  at: number;
  blocks: JsonObject[];
}

/** Refuses what the Messages API refuses in `messages`, in its words. */
export function validateMessages(messages: unknown): void {
  if (messages === undefined) refuse('messages: Field required');
  if (!Array.isArray(messages)) refuse('messages: Input should be a valid list');
  if (messages.length === 0) refuse('messages: at least one message is required');
  const turns: MergedTurn[] = [];
  messages.forEach((message: unknown, at) => {
    if (!isObject(message)) refuse(`messages.${at}: Input should be a valid dictionary`);
    const role = textOf(message['role']);
    if (!ROLES.includes(role)) refuse(`messages.${at}.role: Input should be 'user' or 'assistant'`);
    const blocks = validateContent(message, at, at === messages.length - 1);
    if (role === 'system') return;
    const last = turns.at(-1);
    if (last?.role === role) last.blocks.push(...blocks);
    else turns.push({ role, at, blocks: [...blocks] });
  });
  if (turns[0]?.role !== 'user') refuse('messages: first message must use the "user" role');
  validateToolPairs(turns);
}

function validateContent(message: JsonObject, at: number, isLast: boolean): JsonObject[] {
  const { content, role } = message;
  const path = `messages.${at}.content`;
  if (content === undefined) refuse(`${path}: Field required`);
  const prefill = isLast && role === 'assistant';
  if (typeof content === 'string') {
    if (content === '' && !prefill) refuse(emptyContent(at));
    if (prefill) refuseTrailingSpace(content);
    return [{ type: 'text', text: content }];
  }
  if (!Array.isArray(content)) refuse(`${path}: Input should be a valid list`);
  if (content.length === 0 && !prefill) refuse(emptyContent(at));
  content.forEach((block: unknown, index) => validateBlock(block, `${path}.${index}`, textOf(role)));
  const blocks = objectsIn(content);
  const final = blocks.at(-1);
  if (prefill && final?.['type'] === 'text') refuseTrailingSpace(textOf(final['text']));
  return blocks;
}

function emptyContent(at: number): string {
  return `messages.${at}: all messages must have non-empty content except for the optional final assistant message`;
}

function refuseTrailingSpace(text: string): void {
  if (/\s$/.test(text)) refuse('messages: final assistant content cannot end with trailing whitespace');
}

function validateBlock(block: unknown, path: string, role: string): void {
  if (!isObject(block)) refuse(`${path}: Input should be a valid dictionary`);
  switch (block['type']) {
    case undefined:
      return refuse(`${path}.type: Field required`);
    case 'text':
      if (typeof block['text'] !== 'string') refuse(`${path}.text.text: Field required`);
      if (block['text'] === '') refuse('messages: text content blocks must be non-empty');
      if (block['text'].trim() === '') refuse('messages: text content blocks must contain non-whitespace text');
      return;
    case 'image':
      return validateImage(block['source'], `${path}.image`);
    case 'tool_use':
      return validateToolUse(block, path, role);
    case 'tool_result':
      return validateToolResult(block, path, role);
    case 'thinking':
      if (textOf(block['signature']) !== signThinking(textOf(block['thinking']))) {
        refuse(`${path}: Invalid \`signature\` in \`thinking\` block`);
      }
      return;
    case 'redacted_thinking':
      if (!isSealed(textOf(block['data']))) refuse(`${path}: Invalid \`data\` in \`redacted_thinking\` block`);
      return;
    default:
      return;
  }
}

function validateImage(source: unknown, path: string): void {
  if (!isObject(source)) refuse(`${path}.source: Field required`);
  if (source['type'] !== 'base64') return;
  if (!IMAGE_TYPES.includes(textOf(source['media_type']))) {
    refuse(`${path}.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'`);
  }
  const data = textOf(source['data']);
  if (data === '') refuse(`${path}.source.base64: image cannot be empty`);
  if (data.startsWith('data:') || /[^A-Za-z0-9+/=]/.test(data))
    refuse(`${path}.source.base64.data: Invalid base64 data`);
}

function validateToolUse(block: JsonObject, path: string, role: string): void {
  if (role !== 'assistant') refuse(`${path}: \`tool_use\` blocks can only be in \`assistant\` messages`);
  if (!/^[a-zA-Z0-9_-]+$/.test(textOf(block['id']))) {
    refuse(`${path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`);
  }
  if (textOf(block['name']) === '') refuse(`${path}.tool_use.name: Field required`);
  if (!isObject(block['input'])) refuse(`${path}.tool_use.input: Input should be a valid dictionary`);
}

function validateToolResult(block: JsonObject, path: string, role: string): void {
  if (role !== 'user') refuse(`${path}: \`tool_result\` blocks can only be in \`user\` messages`);
  if (textOf(block['tool_use_id']) === '') refuse(`${path}.tool_result.tool_use_id: Field required`);
  const { content } = block;
  if (content === undefined || typeof content === 'string') return;
  if (!Array.isArray(content)) refuse(`${path}.tool_result.content: Input should be a valid list`);
  content.forEach((inner: unknown, at) => validateBlock(inner, `${path}.tool_result.content.${at}`, role));
}

/** Every tool_use answered at the start of the next user turn, nothing answered that was not asked. */
function validateToolPairs(turns: MergedTurn[]): void {
  const seen = new Set<string>();
  turns.forEach((turn, index) => {
    if (turn.role === 'user') validateResults(turn, turns[index - 1]);
    const ids = idsOf(turn, 'tool_use', 'id');
    if (ids.some((id) => seen.has(id)) || new Set(ids).size < ids.length) {
      refuse(`messages.${turn.at}: \`tool_use\` ids must be unique`);
    }
    ids.forEach((id) => seen.add(id));
    const next = turns[index + 1];
    const answered = next ? leadingResults(next) : [];
    const missing = ids.filter((id) => !answered.includes(id));
    if (missing.length === 0) return;
    refuse(
      `messages.${next?.at ?? turn.at + 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
        `${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
    );
  });
}

function validateResults(turn: MergedTurn, before: MergedTurn | undefined): void {
  const asked = before ? idsOf(before, 'tool_use', 'id') : [];
  const results = idsOf(turn, 'tool_result', 'tool_use_id');
  const stray = results.find((id) => !asked.includes(id));
  if (stray !== undefined) {
    refuse(
      `messages.${turn.at}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. ` +
        'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.',
    );
  }
  const twice = results.find((id, at) => results.indexOf(id) !== at);
  if (twice !== undefined) {
    refuse(
      `messages.${turn.at}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${twice}`,
    );
  }
}

function idsOf(turn: MergedTurn, type: string, key: string): string[] {
  return turn.blocks.filter((block) => block['type'] === type).map((block) => textOf(block[key]));
}

function leadingResults(turn: MergedTurn): string[] {
  const end = turn.blocks.findIndex((block) => block['type'] !== 'tool_result');
  return idsOf({ ...turn, blocks: end === -1 ? turn.blocks : turn.blocks.slice(0, end) }, 'tool_result', 'tool_use_id');
}
