import type { StoredResponse } from '@switchboard/contracts';
import { isJsonObject, type JsonObject, type JsonValue, type Loss } from '@switchboard/protocol';
import { isEmptyReasoning, sentItem } from './stored-input';

/** The input of a request with all that it refers to put in its place. */
export interface ExpandedInput {
  /** With their ids, as they are stored. */
  stored: JsonValue[];
  /** Without what only a store knows. */
  sent: JsonValue[];
  /** What was referred to and is not known. */
  losses: Loss[];
}

const REFERENCE = 'item_reference';

/** Ids of the items that an input refers to. */
export function referencesIn(input: readonly JsonValue[]): string[] {
  return input.map(referenceOf).filter((id) => id !== undefined);
}

/** All that a response says: what it was asked, then what it answered. */
export function itemsOf({ input, response }: StoredResponse): JsonObject[] {
  const { output } = response;
  return Array.isArray(output) ? [...input, ...output.filter(isJsonObject)] : input;
}

/**
 * What a request that goes on from `previous` says in full: its items, then the new input. Its instructions are not
 * among them: each request has its own. References become the items that `known` has by their ids, but for what is in
 * the conversation already; what nobody knows is left out, and is a loss.
 */
export function expandInput(
  input: readonly JsonValue[],
  previous: StoredResponse | undefined,
  known: ReadonlyMap<string, JsonObject>,
): ExpandedInput {
  const stored: JsonValue[] = previous === undefined ? [] : itemsOf(previous);
  const present = new Set(stored.filter(isJsonObject).map(({ id }) => id));
  const losses: Loss[] = [];
  for (const [index, item] of input.entries()) {
    const reference = referenceOf(item);
    const meant = reference === undefined ? item : known.get(reference);
    if (reference !== undefined && present.has(reference)) continue;
    if (meant === undefined) losses.push({ feature: REFERENCE, path: `input[${index}]` });
    else stored.push(meant);
    if (reference !== undefined) present.add(reference);
  }
  return { stored, sent: sentOf(stored, losses), losses };
}

function sentOf(stored: readonly JsonValue[], losses: Loss[]): JsonValue[] {
  const sent: JsonValue[] = [];
  for (const [index, item] of stored.entries()) {
    if (!isJsonObject(item)) sent.push(item);
    else if (isEmptyReasoning(item)) losses.push({ feature: 'thinking.signature', path: `input[${index}]` });
    else sent.push(sentItem(item));
  }
  return sent;
}

/** By its type, or where it has none by being nothing but an id. */
function referenceOf(item: JsonValue): string | undefined {
  if (!isJsonObject(item) || typeof item.id !== 'string') return undefined;
  if (item.type === REFERENCE) return item.id;
  return (item.type === undefined || item.type === null) && item.role === undefined ? item.id : undefined;
}
