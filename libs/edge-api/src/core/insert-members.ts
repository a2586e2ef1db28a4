import type { ByteEdit } from '@switchboard/protocol';

const OPEN_BRACE = 123;

/** The edit that puts members (each with its comma) first in a body, which has others. */
export function insertMembers(body: Buffer, members: string): ByteEdit {
  const start = body.indexOf(OPEN_BRACE) + 1;
  return { start, end: start, replacement: members };
}
