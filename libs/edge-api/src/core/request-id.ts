import { v7 } from 'uuid';

/** `req_` and a UUIDv7 in hexadecimal: unique, and sorted by time. */
export function newRequestId(): string {
  return `req_${v7(undefined, Buffer.allocUnsafe(16)).toString('hex')}`;
}
