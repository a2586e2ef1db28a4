import { randomUUID } from 'node:crypto';
import type { CallLoggedV1 } from '@switchboard/contracts';
import type { CallBuffer } from './call-buffer';

export const BATCH_CALLS_MAX = 200;
/** The bus carries messages of 1 MB. A call of its own has some 400 KB at the very worst: a prompt of escapes. */
const BATCH_BYTES_MAX = 512 * 1024;

/** A message of the stream of calls: CallBatchV1. */
export interface CallMessage {
  calls: readonly CallLoggedV1[];
  payload: Uint8Array;
  /** The stream takes what comes again under the same one once. */
  dedupeId: string;
}

/** Takes what makes the next message: up to 200 calls and 512 KiB, and at least one. */
export function takeCallMessage(buffer: CallBuffer): CallMessage {
  const encoded: string[] = [];
  let bytes = 0;
  const calls = buffer.take(BATCH_CALLS_MAX, (call) => {
    const json = JSON.stringify(call);
    bytes += Buffer.byteLength(json) + 1;
    if (bytes > BATCH_BYTES_MAX && encoded.length > 0) return false;
    encoded.push(json);
    return true;
  });
  return { calls, payload: Buffer.from(`{"calls":[${encoded.join(',')}]}`, 'utf8'), dedupeId: randomUUID() };
}
