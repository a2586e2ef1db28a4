import type { Pool, PoolClient } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import type { PostingResult } from './post';
import { inTransaction } from '../../adapters/transaction';

/** A delivery that this process attempts now. */
export interface TakenDelivery {
  id: string;
  /** This one included. */
  attempts: number;
  eventId: string;
  eventType: string;
  body: string;
  webhookId: string;
  tenantId: string | null;
  /** Without its query. */
  url: string;
  sealed: string;
  trustedNetwork: boolean;
  active: boolean;
  /** Names the headers; null: the standard. */
  slug: string | null;
}

/** An attempt that has not ended by then has died with its process, and is made again. */
const LEASE_MS = 60_000;

/**
 * $1: now; $2: webhooks to leave out; $3: at most so many of one webhook; $4: of all; $5: the end of the lease. The first
 * part is a look at what is due, without a lock; what another replica takes meanwhile is skipped.
 */
const TAKE = `
  WITH due AS (
    SELECT id, next_attempt_at, row_number() OVER (PARTITION BY webhook_id ORDER BY next_attempt_at, id) AS place
      FROM webhook_deliveries
     WHERE status = 'pending' AND next_attempt_at <= $1 AND NOT webhook_id = ANY ($2::text[])),
  held AS (
    SELECT id FROM webhook_deliveries
     WHERE status = 'pending' AND next_attempt_at <= $1
       AND id IN (SELECT id FROM due WHERE place <= $3 ORDER BY next_attempt_at, id LIMIT $4)
       FOR UPDATE SKIP LOCKED)
  UPDATE webhook_deliveries AS d
     SET attempts = d.attempts + 1, last_attempt_at = $1, next_attempt_at = $5
    FROM held, webhooks AS w, webhook_events AS e
   WHERE d.id = held.id AND w.id = d.webhook_id AND e.id = d.event_id
  RETURNING d.id, d.attempts, e.id AS "eventId", e.type AS "eventType", e.body, w.id AS "webhookId",
            w.tenant_id AS "tenantId", w.url, w.sealed, w.trusted_network AS "trustedNetwork", w.active,
            (SELECT settings->'brand'->>'slug' FROM gateway_settings) AS slug`;

/** Only of the attempt it was taken for: a later one knows better. */
const END = `
  UPDATE webhook_deliveries
     SET status = $3, next_attempt_at = $4, last_status = $5, last_error = $6, delivered_at = $7
   WHERE id = $1 AND attempts = $2 AND status = 'pending'`;

/** As if it had not been attempted. */
const RETURN = `
  UPDATE webhook_deliveries SET attempts = attempts - 1, next_attempt_at = $3
   WHERE id = $1 AND attempts = $2 AND status = 'pending'`;

const SWITCH_OFF = `
  UPDATE webhooks SET active = false, inactive_reason = 'gone', updated_at = $2 WHERE id = $1 AND active`;

const DROP_PENDING = `
  UPDATE webhook_deliveries SET status = 'failed', last_error = 'the webhook is switched off'
   WHERE webhook_id = $1 AND status = 'pending'`;

const AUDIT = `
  INSERT INTO audit_log (id, at, actor, action, resource_type, resource_id, tenant_id, before, after)
  VALUES ($1, $2, 'system', 'webhook.switch_off', 'webhook', $3, $4, '{"active":true}', '{"active":false,"inactiveReason":"gone"}')`;

const FORGET = `DELETE FROM webhook_events WHERE created_at < $1`;

export interface Ending {
  status: 'delivered' | 'failed';
  result: PostingResult;
}

export class Deliveries {
  constructor(private readonly pool: Pool) {}

  /** Those due, none of the `busy` webhooks. */
  async take(nowMs: number, limits: { all: number; each: number; busy: readonly string[] }): Promise<TakenDelivery[]> {
    const times = { now: new Date(nowMs), leaseEnd: new Date(nowMs + LEASE_MS) };
    const values = [times.now, limits.busy, limits.each, limits.all, times.leaseEnd];
    return (await this.pool.query<TakenDelivery>(TAKE, values)).rows;
  }

  async end(delivery: TakenDelivery, { status, result }: Ending, nowMs: number): Promise<void> {
    const deliveredAt = status === 'delivered' ? new Date(nowMs) : null;
    await this.pool.query(END, endValues(delivery, status, { result, nextMs: nowMs, deliveredAt }));
  }

  async retry(delivery: TakenDelivery, result: PostingResult, nextMs: number): Promise<void> {
    await this.pool.query(END, endValues(delivery, 'pending', { result, nextMs, deliveredAt: null }));
  }

  /** It was not attempted after all. */
  async giveBack({ id, attempts }: TakenDelivery, nowMs: number): Promise<void> {
    await this.pool.query(RETURN, [id, attempts, new Date(nowMs)]);
  }

  /** The receiver said that it is gone: nothing more is sent there. @returns whether it was still on. */
  async switchOff(delivery: TakenDelivery, result: PostingResult, nowMs: number): Promise<boolean> {
    const { webhookId, tenantId } = delivery;
    return inTransaction(this.pool, async (client: PoolClient) => {
      const { rowCount } = await client.query(SWITCH_OFF, [webhookId, new Date(nowMs)]);
      await client.query(END, endValues(delivery, 'failed', { result, nextMs: nowMs, deliveredAt: null }));
      await client.query(DROP_PENDING, [webhookId]);
      if (rowCount === 0) return false;
      await client.query(AUDIT, [`aud_${uuidv7()}`, new Date(nowMs), webhookId, tenantId]);
      return true;
    });
  }

  /** Removes events, with their deliveries, from before then. */
  async forget(beforeMs: number): Promise<void> {
    await this.pool.query(FORGET, [new Date(beforeMs)]);
  }
}

function endValues(
  { id, attempts }: TakenDelivery,
  status: string,
  end: { result: PostingResult; nextMs: number; deliveredAt: Date | null },
): unknown[] {
  const { status: code = null, error = null } = end.result;
  return [id, attempts, status, new Date(end.nextMs), code, error, end.deliveredAt];
}
