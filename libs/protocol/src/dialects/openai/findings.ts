import type { Fault } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { Unmapped } from '../../loss';
import { isAbsent } from './members';

type Scalars = { string: string; boolean: boolean; integer: number; decimal: number };

const ARTICLED: Record<keyof Scalars, string> = {
  string: 'a string',
  boolean: 'a boolean',
  integer: 'an integer',
  decimal: 'a decimal',
};

/**
 * What reading one request body turned up: the first fault, in OpenAI's own words, and what has no canonical place.
 * Readers go on after a fault with whatever value is at hand; the caller looks at `fault` once, at the end.
 * Created per request.
 */
export class Findings {
  fault: Fault | undefined;
  readonly unmapped: Unmapped[] = [];

  fail(message: string, param: string, code?: string): void {
    this.fault ??= { message, param, ...(code !== undefined && { code }) };
  }

  missing(param: string): void {
    this.fail(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter');
  }

  wrongType(param: string, expected: string, value: JsonValue): void {
    this.fail(
      `Invalid type for '${param}': expected ${expected}, but got ${nameOfType(value)} instead.`,
      param,
      'invalid_type',
    );
  }

  unsupportedValue(param: string, value: JsonValue, supported: readonly string[]): void {
    const quoted = supported.map((word) => `'${word}'`);
    const list = quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')}, and ${quoted.at(-1)}` : quoted.join('');
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    this.fail(`Invalid value: '${shown}'. Supported values are: ${list}.`, param, 'invalid_value');
  }

  /** @param feature of the loss, where the path does not name it */
  leave(path: string, value: JsonValue, feature?: string): void {
    this.unmapped.push({ path, value, ...(feature !== undefined && { feature }) });
  }

  /** Everything in `record` but the members already read. */
  leaveRest(record: JsonObject, read: ReadonlySet<string>, path: string): void {
    for (const name in record) {
      if (read.has(name)) continue;
      const value = record[name];
      if (!isAbsent(value)) this.leave(path === '' ? name : `${path}.${name}`, value);
    }
  }

  /** The member as the given type; undefined where it is absent or, with a fault, of another type. */
  scalar<T extends keyof Scalars>(record: JsonObject, name: string, type: T, path = ''): Scalars[T] | undefined {
    const value = record[name];
    if (isAbsent(value)) return undefined;
    if (isScalar(value, type)) return value;
    this.wrongType(path === '' ? name : `${path}.${name}`, ARTICLED[type], value);
    return undefined;
  }

  /** A string that must be there. */
  required(record: JsonObject, name: string, path: string): string {
    if (isAbsent(record[name])) this.missing(`${path}.${name}`);
    return this.scalar(record, name, 'string', path) ?? '';
  }

  atLeastOne(record: JsonObject, name: string): number | undefined {
    const value = this.scalar(record, name, 'integer');
    if (value === undefined || value >= 1) return value;
    this.fail(
      `Invalid '${name}': integer below minimum value. Expected a value >= 1, but got ${value} instead.`,
      name,
      'integer_below_min_value',
    );
    return undefined;
  }

  object(value: JsonValue | undefined, path: string): JsonObject | undefined {
    if (isAbsent(value)) return undefined;
    if (isJsonObject(value)) return value;
    this.wrongType(path, 'an object', value);
    return undefined;
  }

  array(value: JsonValue | undefined, path: string, expected = 'an array'): JsonValue[] | undefined {
    if (isAbsent(value)) return undefined;
    if (Array.isArray(value)) return value;
    this.wrongType(path, expected, value);
    return undefined;
  }
}

function isScalar<T extends keyof Scalars>(value: JsonValue, type: T): value is Scalars[T] & JsonValue {
  switch (type as keyof Scalars) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'decimal':
      return typeof value === 'number';
  }
}

function nameOfType(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
