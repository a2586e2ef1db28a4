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

/** A second delivery changes nothing; what was replayed in vain waits again. */
const INSERT = `
  INSERT INTO usage_refused AS kept (id, reason, payload)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ORDER BY 1
  ON CONFLICT (id) DO UPDATE
    SET reason = excluded.reason, received_at = now(), refusals = kept.refusals + 1, replayed_at = NULL
    WHERE kept.replayed_at IS NOT NULL
  RETURNING id`;

/** How many wait for a person to decide. */
const WAITING = `
  SELECT count(*)::int AS waiting FROM usage_refused WHERE replayed_at IS NULL AND dismissed_at IS NULL`;

const BASE64 = 'base64:';

/**
 * Keeps refusals whole, each once however often it comes.
 *
 * @returns those that did not wait there already.
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

export async function waitingRefusals(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ waiting: number }>(WAITING);
  return rows[0]?.waiting ?? 0;
}

/** What the sender wrote, from the text it is kept as. */
export function refusedBytes(payload: string): Buffer {
  if (payload.startsWith(BASE64)) return Buffer.from(payload.slice(BASE64.length), 'base64');
  return Buffer.from(payload, 'utf8');
}

function digest(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}

/** Postgres text holds neither NUL nor what is no UTF-8; nothing of what came may be lost. */
function textOf(payload: Uint8Array): string {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : `${BASE64}${bytes.toString('base64')}`;
}
