import type { PoolClient } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import type { Notice } from '../core/budget-notice';

/** Held until the transaction ends: none of them is removed before its deliveries are there. */
const SUBSCRIBERS = `
  SELECT id, tenant_id, events FROM webhooks
   WHERE active AND (tenant_id IS NULL OR tenant_id = ANY ($1)) ORDER BY id FOR KEY SHARE`;

const INSERT_EVENTS = `
  INSERT INTO webhook_events (id, type, tenant_id, occasion, body, created_at)
  SELECT *, $6::timestamptz FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
  ON CONFLICT (occasion) DO NOTHING RETURNING id`;

const INSERT_DELIVERIES = `
  INSERT INTO webhook_deliveries (id, webhook_id, event_id, next_attempt_at, created_at)
  SELECT *, $4::timestamptz, $4::timestamptz FROM unnest($1::text[], $2::text[], $3::text[])`;

interface Subscriber {
  id: string;
  tenant_id: string | null;
  events: string[];
}

/**
 * Stores what there is to tell, with a delivery for each webhook that wants to know. What nobody wants to know is not
 * stored, and what was stored before is not stored again.
 *
 * @returns the events that are new.
 */
export async function storeNotices(client: PoolClient, notices: readonly Notice[], nowMs: number): Promise<Notice[]> {
  if (notices.length === 0) return [];
  const tenants = [...new Set(notices.map(({ tenantId }) => tenantId))];
  const { rows: subscribers } = await client.query<Subscriber>(SUBSCRIBERS, [tenants]);
  const wanted = notices.filter((notice) => subscribers.some((subscriber) => wants(subscriber, notice)));
  if (wanted.length === 0) return [];
  const { rows } = await client.query<{ id: string }>(INSERT_EVENTS, [
    wanted.map(({ id }) => id),
    wanted.map(({ type }) => type),
    wanted.map(({ tenantId }) => tenantId),
    wanted.map(({ occasion }) => occasion),
    wanted.map(({ body }) => body),
    new Date(nowMs),
  ]);
  const stored = new Set(rows.map(({ id }) => id));
  const fresh = wanted.filter(({ id }) => stored.has(id));
  const deliveries = fresh.flatMap((notice) =>
    subscribers.filter((subscriber) => wants(subscriber, notice)).map(({ id }) => ({ webhook: id, event: notice.id })),
  );
  await client.query(INSERT_DELIVERIES, [
    deliveries.map(() => `dlv_${uuidv7()}`),
    deliveries.map(({ webhook }) => webhook),
    deliveries.map(({ event }) => event),
    new Date(nowMs),
  ]);
  return fresh;
}

function wants({ tenant_id: tenantId, events }: Subscriber, notice: Notice): boolean {
  return (tenantId === null || tenantId === notice.tenantId) && events.includes(notice.type);
}
