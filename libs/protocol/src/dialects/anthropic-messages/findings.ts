import type { Fault } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { Unmapped } from '../../loss';
import { isAbsent } from './wire';

/**
 * What reading one body turned up: the first fault, in the words of the real API (clients act on them), and what has no
 * canonical place. Readers go on after a fault with whatever value is at hand; the caller looks at `fault` at the end.
 * Paths are written `messages[0].role`; messages show them as the API does, `messages.0.role`. Created per body.
 */
export class Findings {
  fault: Fault | undefined;
  unmapped: Unmapped[] = [];

  fail(path: string, message: string): void {
    this.fault ??= { message: `${path.replace(/\[(\d+)\]/g, '.$1')}: ${message}`, param: path };
  }

  missing(path: string): void {
    this.fail(path, 'Field required');
  }

  leave(path: string, value: JsonValue): void {
    this.unmapped.push({ path, value });
  }

  /** Everything in `record` that is neither read by name nor absent. */
  leaveRest(record: JsonObject, read: ReadonlySet<string>, path: string): void {
    for (const name in record) {
      if (read.has(name)) continue;
      const value = record[name];
      if (!isAbsent(value)) this.leave(member(path, name), value);
    }
  }

  /** What `read` leaves, apart from what was left before: for things that keep their own list. */
  collect<T>(read: () => T): [T, Unmapped[]] {
    const outer = this.unmapped;
    this.unmapped = [];
    const value = read();
    const own = this.unmapped;
    this.unmapped = outer;
    return [value, own];
  }

  string(record: JsonObject, name: string, path: string): string | undefined {
    const value = record[name];
    if (isAbsent(value)) return undefined;
    if (typeof value === 'string') return value;
    this.fail(member(path, name), 'Input should be a valid string');
    return undefined;
  }

  requiredString(record: JsonObject, name: string, path: string): string {
    if (isAbsent(record[name])) this.missing(member(path, name));
    return this.string(record, name, path) ?? '';
  }

  boolean(record: JsonObject, name: string, path: string): boolean | undefined {
    const value = record[name];
    if (isAbsent(value)) return undefined;
    if (typeof value === 'boolean') return value;
    this.fail(member(path, name), 'Input should be a valid boolean');
    return undefined;
  }

  number(record: JsonObject, name: string, path: string, least: number, most = Infinity): number | undefined {
    const value = record[name];
    if (isAbsent(value)) return undefined;
    if (typeof value !== 'number') this.fail(member(path, name), 'Input should be a valid number');
    else if (value < least) this.fail(member(path, name), `Input should be greater than or equal to ${least}`);
    else if (value > most) this.fail(member(path, name), `Input should be less than or equal to ${most}`);
    else return value;
    return undefined;
  }

  integer(record: JsonObject, name: string, path: string, least: number): number | undefined {
    const value = this.number(record, name, path, least);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    this.fail(member(path, name), 'Input should be a valid integer');
    return undefined;
  }

  object(value: JsonValue | undefined, path: string): JsonObject | undefined {
    if (isAbsent(value)) return undefined;
    if (isJsonObject(value)) return value;
    this.fail(path, 'Input should be a valid dictionary');
    return undefined;
  }

  array(value: JsonValue | undefined, path: string): JsonValue[] | undefined {
    if (isAbsent(value)) return undefined;
    if (Array.isArray(value)) return value;
    this.fail(path, 'Input should be a valid list');
    return undefined;
  }

  /** The `type` that tells the members of a union apart. */
  tag(record: JsonObject, path: string): string {
    return this.requiredString(record, 'type', path);
  }

  unknownTag(record: JsonObject, path: string, expected: readonly string[]): void {
    const list = expected.map((tag) => `'${tag}'`).join(', ');
    const found = JSON.stringify(record['type'] ?? null);
    this.fail(`${path}.type`, `Input tag ${found} does not match any of the expected tags: ${list}`);
  }
}

export function member(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
