import type { Usage } from '@switchboard/protocol';

/** What a field of a record that came over a stream may hold. */
export interface FieldKind {
  name: string;
  accepts: (value: unknown) => boolean;
}

export const TEXT: FieldKind = { name: 'a text', accepts: (value) => typeof value === 'string' };
/** Joins records: an empty one is a fault of the sender. */
export const ID: FieldKind = {
  name: 'a text of at least one character',
  accepts: (value) => TEXT.accepts(value) && value !== '',
};
export const FLAG: FieldKind = { name: 'true or false', accepts: (value) => typeof value === 'boolean' };
export const COUNT: FieldKind = {
  name: 'a whole number from 0',
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};
export const MILLISECONDS: FieldKind = {
  name: 'a number from 0',
  accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
};
export const ACCURACY: FieldKind = {
  name: 'exact, estimated or orphaned',
  accepts: (value) => value === 'exact' || value === 'estimated' || value === 'orphaned',
};
export const ANYTHING: FieldKind = { name: 'anything', accepts: () => true };
export const OBJECT: FieldKind = { name: 'an object', accepts: isObject };
export const optional = ({ name, accepts }: FieldKind): FieldKind => ({
  name,
  accepts: (value) => value === undefined || accepts(value),
});

/** Made once: the entries of an object made per record were three quarters of the time to check it. */
export type Fields = readonly [string, FieldKind][];

export const USAGE_FIELDS: Fields = Object.entries<FieldKind>({
  inputTokens: COUNT,
  cacheReadTokens: COUNT,
  cacheWrite5mTokens: COUNT,
  cacheWrite1hTokens: COUNT,
  outputTokens: COUNT,
  reasoningTokens: COUNT,
} satisfies Record<keyof Usage, FieldKind>);

/** Undefined: none. Else the path below the record, and what is wrong there. */
export function fieldFault(value: object, fields: Fields, path = ''): string | undefined {
  for (const [field, { name, accepts }] of fields) {
    if (!accepts((value as Record<string, unknown>)[field])) return `${path}.${field} is not ${name}`;
  }
  return undefined;
}

/** The records of a batch, or what keeps them from being read. */
export function readRecords(payload: Uint8Array, list: string): unknown[] | string {
  let batch: unknown;
  try {
    batch = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch (error) {
    return `not JSON: ${(error as Error).name}`;
  }
  if (!isObject(batch)) return 'not an object';
  return Array.isArray(batch[list]) ? batch[list] : `${list} is not an array`;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
