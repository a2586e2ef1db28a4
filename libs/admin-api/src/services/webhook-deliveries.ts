import type { WebhookTestV1 } from '@switchboard/contracts';
import type { PrismaClient } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import { viewOfDelivery, type WebhookRow } from '../adapters/webhook-rows';
import { AdminError } from '../core/admin-error';
import { decodeCursor, type Page, pageOf, type PageRequest } from '../core/page';
import { notFound } from '../core/refusals';
import type { DeliveryView } from '../core/webhook-view';
import type { Change } from './mutations';
import { auditedAs } from './webhook-removal';
import { lockedWebhook } from './webhooks';

/** What was sent to a webhook and how that went. Sending is metering's. */
export class WebhookDeliveries {
  constructor(private readonly prisma: PrismaClient) {}

  /** The latest first. */
  async list(
    webhookId: string,
    page: PageRequest,
    filter: { status?: DeliveryView['status'] } = {},
  ): Promise<Page<DeliveryView>> {
    const rows = await this.prisma.webhookDelivery.findMany({
      where: {
        webhookId,
        status: filter.status,
        ...(page.cursor === undefined ? {} : { id: { lt: decodeCursor(page.cursor) } }),
      },
      include: { event: true },
      orderBy: { id: 'desc' },
      take: page.limit + 1,
    });
    return pageOf(rows, page.limit, { view: viewOfDelivery, cursor: ({ id }) => id });
  }

  /** Has an event of no meaning sent, as the others are. @throws AdminError 404; 409 while the webhook is off. */
  async test(change: Change, webhookId: string): Promise<DeliveryView> {
    const { tx, now } = change;
    const webhook = await activeWebhook(change, webhookId);
    const event: WebhookTestV1 = {
      ...{ id: `evt_${uuidv7()}`, type: 'webhook.test', createdAt: now.toISOString() },
      data: { webhook: webhookId },
    };
    const { id, type } = event;
    const row = await tx.webhookDelivery.create({
      data: {
        ...{ id: `dlv_${uuidv7()}`, nextAttemptAt: now, createdAt: now, webhook: { connect: { id: webhookId } } },
        event: {
          create: {
            ...{ id, type, tenantId: webhook.tenantId, occasion: `test:${id}` },
            ...{ body: JSON.stringify(event), createdAt: now },
          },
        },
      },
      include: { event: true },
    });
    change.audit({ action: 'webhook.test', ...auditedAs(webhook), after: { delivery: row.id } });
    return viewOfDelivery(row);
  }

  /** Has what was given up sent again, from the first attempt on. @throws AdminError 404, 409 */
  async redeliver(change: Change, webhookId: string, id: string): Promise<DeliveryView> {
    const { tx, now } = change;
    const webhook = await activeWebhook(change, webhookId);
    const failed = { id, webhookId, status: 'failed' };
    const { count } = await tx.webhookDelivery.updateMany({
      where: failed,
      data: { status: 'pending', attempts: 0, nextAttemptAt: now },
    });
    const row = await tx.webhookDelivery.findFirst({ where: { id, webhookId }, include: { event: true } });
    if (row === null) throw notFound('delivery', id);
    if (count === 0) throw new AdminError(409, 'delivery_not_failed', `Delivery ${id} is ${row.status}.`);
    change.audit({ action: 'webhook.redeliver', ...auditedAs(webhook), after: { delivery: id } });
    return viewOfDelivery(row);
  }
}

async function activeWebhook(change: Change, id: string): Promise<WebhookRow> {
  const row = await lockedWebhook(change, id);
  if (!row.active) throw new AdminError(409, 'webhook_inactive', `Webhook ${id} is off: set active to true first.`);
  return row;
}
