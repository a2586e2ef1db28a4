import { isObject, objectsIn, textOf, type JsonObject } from './json';

/** Deeper than any schema a client sends on purpose; a recursive `$ref` ends here instead of in a stack overflow. */
const DEPTH_MAX = 24;

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  time: '00:00:00Z',
  duration: 'PT1S',
  email: 'someone@example.com',
  hostname: 'example.com',
  ipv4: '127.0.0.1',
  ipv6: '::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/**
 * The smallest plausible value a JSON Schema allows: required properties only, first branch of a choice, first value of
 * an enum, bounds respected. `pattern` is not solved.
 */
export function schemaInstance(schema: unknown, name = 'value'): unknown {
  return instance(schema, schema, name, 0);
}

function instance(schema: unknown, root: unknown, name: string, depth: number): unknown {
  if (!isObject(schema) || depth > DEPTH_MAX) return schema === true ? name : null;
  const target = resolve(schema, root);
  if (target !== schema) return instance(target, root, name, depth + 1);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return schema['enum'][0];
  const parts = objectsIn(schema['allOf']);
  if (parts.length > 0) return instance(merge(schema, parts, root), root, name, depth + 1);
  const branch = objectsIn(schema['anyOf'])[0] ?? objectsIn(schema['oneOf'])[0];
  if (branch) return instance({ ...omit(schema, ['anyOf', 'oneOf']), ...resolve(branch, root) }, root, name, depth + 1);
  return ofType(schema, root, name, depth);
}

function ofType(schema: JsonObject, root: unknown, name: string, depth: number): unknown {
  switch (typeName(schema)) {
    case 'object':
      return objectInstance(schema, root, depth);
    case 'array':
      return arrayInstance(schema, root, name, depth);
    case 'integer':
      return numberInstance(schema, true);
    case 'number':
      return numberInstance(schema, false);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return stringInstance(schema, name);
  }
}

function typeName(schema: JsonObject): string {
  const type = schema['type'];
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return textOf(type.find((one) => one !== 'null')) || 'null';
  if (isObject(schema['properties']) || Array.isArray(schema['required'])) return 'object';
  return 'items' in schema || 'prefixItems' in schema ? 'array' : 'string';
}

function objectInstance(schema: JsonObject, root: unknown, depth: number): JsonObject {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'].map(textOf) : [];
  return Object.fromEntries(required.map((key) => [key, instance(properties[key] ?? true, root, key, depth + 1)]));
}

function arrayInstance(schema: JsonObject, root: unknown, name: string, depth: number): unknown[] {
  const fixed = objectsIn(schema['prefixItems']);
  const length = Math.max(fixed.length, numeric(schema['minItems']) ?? 0);
  return Array.from({ length }, (_, at) => instance(fixed[at] ?? schema['items'] ?? true, root, name, depth + 1));
}

function stringInstance(schema: JsonObject, name: string): string {
  const text = FORMATS[textOf(schema['format'])] ?? name;
  return text.padEnd(numeric(schema['minLength']) ?? 0, 'x').slice(0, numeric(schema['maxLength']) ?? undefined);
}

function numberInstance(schema: JsonObject, whole: boolean): number {
  const above = numeric(schema['exclusiveMinimum']);
  const below = numeric(schema['exclusiveMaximum']);
  const low = numeric(schema['minimum']) ?? (above === undefined ? undefined : above + (whole ? 1 : 0.5));
  const high = numeric(schema['maximum']) ?? (below === undefined ? undefined : below - (whole ? 1 : 0.5));
  const step = numeric(schema['multipleOf']);
  const value = Math.min(Math.max(1, low ?? 1), high ?? Number.MAX_SAFE_INTEGER);
  if (step !== undefined && step > 0) {
    const up = Math.ceil(value / step) * step;
    return high !== undefined && up > high ? Math.floor(value / step) * step : up;
  }
  return whole ? (low === undefined ? Math.floor(value) : Math.ceil(value)) : value;
}

function resolve(schema: JsonObject, root: unknown): JsonObject {
  const reference = schema['$ref'];
  if (typeof reference !== 'string' || !reference.startsWith('#')) return schema;
  let target: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    target = isObject(target) ? target[key] : undefined;
  }
  return isObject(target) ? target : omit(schema, ['$ref']);
}

function merge(schema: JsonObject, parts: JsonObject[], root: unknown): JsonObject {
  const whole: JsonObject = omit(schema, ['allOf']);
  for (const part of parts.map((one) => resolve(one, root))) {
    const properties = { ...(whole['properties'] as JsonObject), ...(part['properties'] as JsonObject) };
    const required = [...listed(whole['required']), ...listed(part['required'])];
    Object.assign(whole, part, { properties, required });
  }
  if (Object.keys(whole['properties'] as JsonObject).length === 0) delete whole['properties'];
  if ((whole['required'] as unknown[]).length === 0) delete whole['required'];
  return whole;
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function omit(schema: JsonObject, keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
}

function numeric(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
