import type { JsonObject, JsonValue } from './json';

/**
 * Whether a parsed value has more than `maxDepth` levels (a scalar has none). Walks without recursion: values this
 * guards against are those that would exhaust the call stack of whatever recurses next, JSON.stringify included.
 */
export function isDeeperThan(value: JsonValue, maxDepth: number): boolean {
  let level: JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const next: JsonValue[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      if (depth >= maxDepth) return true;
      if (Array.isArray(item)) {
        for (const member of item) if (isNested(member)) next.push(member);
      } else {
        for (const name in item) if (isNested(item[name])) next.push(item[name]);
      }
    }
    level = next;
  }
  return false;
}

function isNested(value: JsonValue | undefined): value is JsonObject | JsonValue[] {
  return typeof value === 'object' && value !== null;
}
