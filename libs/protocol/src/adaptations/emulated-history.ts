import type { CacheHint, Message, Part, TextPart, ToolCallPart, ToolResultPart } from '../conversation';
import { isJsonObject, type JsonValue } from '../json';
import type { Loss, Unmapped } from '../loss';
import { CALLS, TEXT } from './emulated-reply-reader';

export type SentName = (own: string) => string;

/** Calls and results of history in the words that the model is asked for. Other messages stay as they are, the same objects. */
export function writeHistory(messages: readonly Message[], sentName: SentName, losses: Loss[]): Message[] {
  return messages.map((message, index) => {
    const path = `messages[${index}]`;
    const { parts } = message;
    if (message.role === 'assistant' && parts.some(isCall)) {
      return { ...message, parts: writeCalls(parts, sentName, path, losses) };
    }
    if (!parts.some(({ type }) => type === 'tool-result')) return message;
    return {
      ...message,
      parts: parts.flatMap((part) => (part.type === 'tool-result' ? writeResult(part, sentName) : [part])),
    };
  });
}

export function isCall(part: Part): part is ToolCallPart {
  return part.type === 'tool-call';
}

/** Text and calls of a turn as one answer, in the place of the first of them. */
function writeCalls(parts: readonly Part[], sentName: SentName, path: string, losses: Loss[]): Part[] {
  const others: Part[] = [];
  const unmapped: Unmapped[] = [];
  const calls: JsonValue[] = [];
  const answer: TextPart = { type: 'text', text: '' };
  let text = '';
  parts.forEach((part, index) => {
    if (part.type !== 'text' && !isCall(part)) {
      others.push(part);
      return;
    }
    if (calls.length === 0 && text === '') others.push(answer);
    if (isCall(part)) calls.push({ id: part.id, name: sentName(part.name), arguments: argumentsOf(part.arguments) });
    else {
      text += part.text;
      if (part.citations?.length) losses.push({ feature: 'citations', path: `${path}.content[${index}].citations` });
    }
    if (part.cache !== undefined) answer.cache = part.cache;
    unmapped.push(...(part.unmapped ?? []));
  });
  answer.text = JSON.stringify({ [TEXT]: text, [CALLS]: calls });
  if (unmapped.length > 0) answer.unmapped = unmapped;
  return others;
}

/** Arguments that are no object, or cut off, are shown as the text they are. */
function argumentsOf(text: string): JsonValue {
  if (text.trim() === '') return {};
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : text;
  } catch {
    return text;
  }
}

function writeResult({ callId, parts, isError, cache, unmapped }: ToolResultPart, sentName: SentName): Part[] {
  const label = `${isError === true ? 'Error' : 'Result'} of the tool call ${callId}:`;
  const written = parts.map((part): Part => {
    if (part.type !== 'tool-reference') return part;
    return { type: 'text', text: `Found the tool ${sentName(part.toolName)}.` };
  });
  const [first, ...rest] = written;
  const labelled: Part[] =
    first?.type === 'text'
      ? [{ ...first, text: `${label}\n${first.text}` }, ...rest]
      : [{ type: 'text', text: label }, ...written];
  return labelled.map((part, index) => (index < labelled.length - 1 ? part : withExtras(part, cache, unmapped)));
}

/** What stood on the result stands on its last part. */
function withExtras(part: Part, cache: CacheHint | undefined, unmapped: readonly Unmapped[] | undefined): Part {
  const extended = { ...part };
  if (cache !== undefined) extended.cache = cache;
  if (unmapped !== undefined) extended.unmapped = [...(part.unmapped ?? []), ...unmapped];
  return extended;
}
