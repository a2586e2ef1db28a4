import { randomFillSync } from 'node:crypto';

/** Of a UUIDv7, behind its time: version, variant and 74 bits of chance. */
const RANDOM_BYTES = 10;
/** Drawn for hundreds of ids at once: each time costs as much as all the rest of an id. */
const pool = Buffer.allocUnsafeSlow(400 * RANDOM_BYTES);
let used = pool.length;
let lastMs = -1;
let time = '';

/** `req_` and a UUIDv7 in hexadecimal (RFC 9562): unique, and sorted by time. */
export function newRequestId(nowMs = Date.now()): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    time = `req_${nowMs.toString(16).padStart(12, '0')}`;
  }
  pool[used] = 0x70 | ((pool[used] as number) & 0x0f);
  pool[used + 2] = 0x80 | ((pool[used + 2] as number) & 0x3f);
  const random = pool.toString('hex', used, used + RANDOM_BYTES);
  used += RANDOM_BYTES;
  return time + random;
}
