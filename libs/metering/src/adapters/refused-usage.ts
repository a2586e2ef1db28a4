import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Pool } from '@switchboard/platform';

/** Something that came over the usage stream and cannot be billed as it is. */
export interface Refusal {
  reason: string;
  /** What the sender wrote: one record of a message, or all of it. */
  payload: Uint8Array;
}

export interface KeptRefusal extends Refusal {
  /** Its row in `usage_refused`. */
  id: string;
}

const INSERT = `
  INSERT INTO usage_refused (id, reason, payload) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
  ON CONFLICT (id) DO NOTHING RETURNING id`;

/**
 * Keeps refusals whole, each once however often it comes.
 *
 * @returns those that had not been kept before.
 */
export async function keepRefusals(pool: Pool, refusals: readonly Refusal[]): Promise<KeptRefusal[]> {
  const kept = new Map(refusals.map((refusal) => [digest(refusal.payload), refusal]));
  const each = [...kept.values()];
  const values = [[...kept.keys()], each.map(({ reason }) => reason), each.map(({ payload }) => textOf(payload))];
  const { rows } = await pool.query<{ id: string }>(INSERT, values);
  return rows.flatMap(({ id }) => {
    const refusal = kept.get(id);
    return refusal === undefined ? [] : [{ id, ...refusal }];
  });
}

function digest(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}

/** Postgres text holds neither NUL nor what is no UTF-8; nothing of what came may be lost. */
function textOf(payload: Uint8Array): string {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : `base64:${bytes.toString('base64')}`;
}
