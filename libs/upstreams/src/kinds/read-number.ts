import type { HttpHeaders } from './kind';

/** Undefined: the header is absent, repeated, or no number from 0. */
export function readNumber(headers: HttpHeaders, name: string): number | undefined {
  const text = headers[name];
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  const number = Number(text);
  return number >= 0 && number < Infinity ? number : undefined;
}
