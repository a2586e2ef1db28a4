import { isJsonObject, type JsonObject, type JsonValue } from '../json';
import type { Loss } from '../loss';

/** A member that no dialect knows. */
const NAME = 'x_probe';
const VALUE = 'PROBE';

/** What clients and models write there is theirs: it passes as a whole. */
const FREE = new Set([
  'input_schema',
  'parameters',
  'schema',
  'input',
  'arguments',
  'metadata',
  'logit_bias',
  'logprobs',
]);

/** Each body that has the unknown member in one of its objects, with the place. */
export function* probed(body: JsonObject): Generator<[place: string, body: JsonObject]> {
  for (const place of placesIn(body, '')) {
    const copy = JSON.parse(JSON.stringify(body)) as JsonObject;
    const object = place === '' ? copy : memberAt(copy, place);
    object[NAME] = VALUE;
    yield [place, copy];
  }
}

function placesIn(value: JsonValue, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((member, index) => placesIn(member, `${path}[${index}]`));
  if (!isJsonObject(value)) return [];
  const inside = Object.entries(value)
    // The items of a Responses request stand in `input`, as do the arguments of a call elsewhere.
    .filter(([name]) => !FREE.has(name) || (name === 'input' && path === ''))
    .flatMap(([name, member]) => placesIn(member, path === '' ? name : `${path}.${name}`));
  return [path, ...inside];
}

function memberAt(root: JsonObject, path: string): JsonObject {
  return objectsAlong(root, path).at(-1) ?? root;
}

function objectsAlong(root: JsonObject, path: string): JsonObject[] {
  let value: JsonValue = root;
  const objects = [root];
  for (const [, index, name] of path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)) {
    value = (value as JsonObject)[name ?? index ?? ''] ?? null;
    if (isJsonObject(value)) objects.push(value);
  }
  return objects;
}

/** It arrived, or a loss names it or all that it stands in. */
export function isAccountedFor(place: string, body: JsonObject, sent: string, losses: readonly Loss[]): boolean {
  if (sent.includes(VALUE)) return true;
  const blocks = objectsAlong(body, place).map(({ type }) => `block.${String(type)}`);
  const covers = ({ feature, path }: Loss): boolean =>
    feature.includes(NAME) ||
    path.includes(NAME) ||
    blocks.includes(feature) ||
    (path !== '' && place.includes(path)) ||
    (feature === 'n' && place.startsWith('choices')) ||
    (feature === 'custom_tool.format' && place.includes('.format')) ||
    (feature.startsWith('citations') && /citation|annotation/.test(place));
  return losses.some(covers);
}
