import { isJsonObject, type JsonObject, type JsonValue } from '@switchboard/protocol';

/** What stands in ids in front of the underscore, by the type of the item. */
const ID_PREFIXES: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
};
const OTHER_PREFIX = 'item';

/** The `input` of a request as a list; undefined where it is none. What is no object in it is kept for others to refuse. */
export function inputList(input: JsonValue | undefined): JsonValue[] | undefined {
  if (input === undefined || input === null) return [];
  if (Array.isArray(input)) return input;
  if (typeof input !== 'string') return undefined;
  return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }];
}

/** As items are stored: each with a type and an id, by which it may be listed and referred to. */
export function storedItems(items: readonly JsonValue[], responseId: string): JsonObject[] {
  const bare = responseId.slice(responseId.indexOf('_') + 1);
  return items.filter(isJsonObject).map((item, index) => {
    const type = typeOf(item);
    const id = typeof item.id === 'string' && item.id !== '' ? item.id : undefined;
    return { ...item, type, id: id ?? `${ID_PREFIXES[type] ?? OTHER_PREFIX}_${bare}_in${index}` };
  });
}

/** A message may come without its type. */
export function typeOf({ type }: JsonObject): string {
  return typeof type === 'string' ? type : 'message';
}

/**
 * A stored item as an upstream gets it. The upstream stored nothing, and would look for the ids; whoever wrote the item was
 * another one perhaps. Items of tools that run at the upstream keep theirs, which they cannot be without.
 */
export function sentItem(item: JsonObject): JsonObject {
  if (ID_PREFIXES[typeOf(item)] === undefined) return item;
  const { id: _id, status: _status, ...sent } = item;
  return sent;
}

/** Of reasoning neither text nor ciphertext is there: an upstream would take it for a reference to what it stored. */
export function isEmptyReasoning(item: JsonObject): boolean {
  if (item.type !== 'reasoning') return false;
  const { encrypted_content: encrypted, summary, content } = item;
  return !(typeof encrypted === 'string' && encrypted !== '') && isEmpty(summary) && isEmpty(content);
}

function isEmpty(list: JsonValue | undefined): boolean {
  return !Array.isArray(list) || list.length === 0;
}

/** As the API lists an item. */
export function listedItem(item: JsonObject): JsonObject {
  if (typeOf(item) !== 'message') return item;
  const { role, content } = item;
  const type = role === 'assistant' ? 'output_text' : 'input_text';
  const parts = typeof content === 'string' ? [{ type, text: content }] : content;
  return { status: 'completed', ...item, ...(parts !== undefined && { content: parts }) };
}
