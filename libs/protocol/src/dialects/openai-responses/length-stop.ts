import type { TapContext } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { readJsonValue } from '../../json-span';
import { formatSseEvent } from '../../sse/encoder';
import type { Usage } from '../../usage';
import { refusalContent } from './convert-to-output';
import { encodeStatus } from './map-status';
import type { OpenItem, OpenOutput, OpenPart } from './open-output';
import { arrayMember, RESPONSE_OBJECT } from './reply-wire';
import { encodeUsage } from './usage';

/** Numbers the events that end a response. */
interface Ending {
  sequenceNumber: number;
  text: string;
}

/**
 * SSE text that ends a response as one that reached `max_output_tokens`: every item that is open is told as incomplete,
 * with what there is of it, and the response with all of its output. A call's arguments stay half: so the API itself does it.
 */
export function encodeLengthStop(
  output: OpenOutput,
  sequenceNumber: number,
  usage: Usage,
  context: TapContext,
): string {
  const ending: Ending = { sequenceNumber, text: '' };
  const items = new Map<number, JsonValue>();
  for (const [index, item] of output.done) items.set(index, parse(item));
  for (const item of output.open.values()) items.set(item.outputIndex, endItem(ending, item));
  const { status, incompleteDetails } = encodeStatus('length', false);
  const response: JsonObject = {
    ...responseOf(output, context),
    status,
    incomplete_details: incompleteDetails,
    output: inOrder(items),
    usage: encodeUsage(usage, context.costUsd),
  };
  write(ending, 'response.incomplete', { response });
  return ending.text;
}

/** The response as far as it was told, with the model's name as the client knows it. */
export function responseOf({ response, done }: OpenOutput, { model }: TapContext): JsonObject {
  const told = response && parse(response);
  const items = new Map([...done].map(([index, item]) => [index, parse(item)]));
  return { id: '', object: RESPONSE_OBJECT, ...(isJsonObject(told) && told), model, output: inOrder(items) };
}

function inOrder(items: ReadonlyMap<number, JsonValue>): JsonValue[] {
  return [...items].sort(([left], [right]) => left - right).map(([, item]) => item);
}

function endItem(ending: Ending, { added, outputIndex, parts }: OpenItem): JsonObject {
  const told = parse(added);
  const item: JsonObject = isJsonObject(told) ? { ...told } : {};
  const at = { item_id: item.id ?? '', output_index: outputIndex };
  for (const part of parts.sort((left, right) => left.index - right.index)) endPart(ending, at, item, part);
  if ('status' in item) item.status = 'incomplete';
  write(ending, 'response.output_item.done', { output_index: outputIndex, item });
  return item;
}

/** Tells the end of a part that is open, and puts the part into its item. */
function endPart(ending: Ending, at: JsonObject, item: JsonObject, part: OpenPart): void {
  const { kind, index } = part;
  const text = part.text.toText();
  switch (kind) {
    case 'arguments':
    case 'input':
      item[kind] = part.whole ? parse(part.whole) : text;
      if (!part.whole) write(ending, DONE_EVENTS[kind], { ...at, [kind]: text });
      return;
    case 'summary': {
      const place = { ...at, summary_index: index };
      item.summary = [...arrayMember(item, 'summary'), endContent(ending, place, part, text)];
      return;
    }
    default:
      item.content = [...arrayMember(item, 'content'), endContent(ending, { ...at, content_index: index }, part, text)];
  }
}

const DONE_EVENTS = {
  text: 'response.output_text.done',
  refusal: 'response.refusal.done',
  summary: 'response.reasoning_summary_text.done',
  reasoning: 'response.reasoning_text.done',
  arguments: 'response.function_call_arguments.done',
  input: 'response.custom_tool_call_input.done',
} as const;

function endContent(ending: Ending, place: JsonObject, { kind, whole }: OpenPart, text: string): JsonValue {
  if (whole) return parse(whole);
  const content = contentOf(kind, text);
  const spoken: JsonObject =
    kind === 'refusal' ? { refusal: text } : { text, ...(kind === 'text' && { logprobs: [] }) };
  write(ending, DONE_EVENTS[kind], { ...place, ...spoken });
  const partDone = kind === 'summary' ? 'response.reasoning_summary_part.done' : 'response.content_part.done';
  write(ending, partDone, { ...place, part: content });
  return content;
}

function contentOf(kind: OpenPart['kind'], text: string): JsonObject {
  switch (kind) {
    case 'refusal':
      return refusalContent(text);
    case 'summary':
      return { type: 'summary_text', text };
    case 'reasoning':
      return { type: 'reasoning_text', text };
    default:
      return { type: 'output_text', text, annotations: [], logprobs: [] };
  }
}

function write(ending: Ending, type: string, members: JsonObject): void {
  const data = { type, sequence_number: ending.sequenceNumber++, ...members };
  ending.text += formatSseEvent(type, JSON.stringify(data));
}

function parse(json: Buffer): JsonValue {
  return readJsonValue(json, { start: 0, end: json.length }) ?? null;
}
