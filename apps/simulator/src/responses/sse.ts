import type { JsonObject } from '../json';

/** One event of a Responses stream; its number is its place in the stream, from 0. */
export function sse(type: string, sequence: number, fields: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields, sequence_number: sequence })}\n\n`;
}
