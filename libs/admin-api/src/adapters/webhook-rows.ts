import type { WebhookEventType, WebhookEvent } from '@switchboard/contracts';
import { openWebhook, type Prisma, SealError, type Sealer, type WebhookSecrets } from '@switchboard/platform';
import { managedView } from '../core/tenant-view';
import type { DeliveryView, WebhookView } from '../core/webhook-view';
import { managedOf } from './rows';

export type WebhookRow = Prisma.WebhookGetPayload<object>;
export type DeliveryRow = Prisma.WebhookDeliveryGetPayload<{ include: { event: true } }>;

/** Undefined: sealed under a key that is not in the ring. */
export function webhookSecretsOf(
  { id, sealed }: Pick<WebhookRow, 'id' | 'sealed'>,
  sealer: Pick<Sealer, 'open'>,
): WebhookSecrets | undefined {
  try {
    return openWebhook(id, sealed, sealer);
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

export function viewOfWebhook(row: WebhookRow, sealer: Pick<Sealer, 'open'>): WebhookView {
  const { id, tenantId, url, trustedNetwork, active, inactiveReason } = row;
  const secrets = webhookSecretsOf(row, sealer);
  return {
    ...{ id, tenant: tenantId, url, hasQuery: (secrets?.query ?? '') !== '' },
    ...{ events: row.events as WebhookEventType[], trustedNetwork, active, inactiveReason },
    ...{ secretsReadable: secrets !== undefined, ...managedView(managedOf(row)) },
  };
}

export function viewOfDelivery(row: DeliveryRow): DeliveryView {
  const { id, webhookId, attempts, lastStatus, lastError } = row;
  const instant = (at: Date | null): string | null => at?.toISOString() ?? null;
  return {
    ...{ id, webhook: webhookId, status: row.status as DeliveryView['status'], attempts },
    nextAttemptAt: row.status === 'pending' ? instant(row.nextAttemptAt) : null,
    ...{ lastAttemptAt: instant(row.lastAttemptAt), lastStatus, lastError, deliveredAt: instant(row.deliveredAt) },
    createdAt: row.createdAt.toISOString(),
    event: JSON.parse(row.event.body) as WebhookEvent,
  };
}
