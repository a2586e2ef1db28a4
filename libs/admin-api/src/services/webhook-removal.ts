import type { WebhookRow } from '../adapters/webhook-rows';
import type { Change } from './mutations';

/** Removes every webhook of a tenant that is going away itself. */
export async function removeWebhooks(change: Change, tenantId: string): Promise<void> {
  const rows = await change.tx.webhook.findMany({ where: { tenantId } });
  await change.tx.webhook.deleteMany({ where: { tenantId } });
  for (const row of rows) change.audit({ action: 'webhook.remove', ...auditedAs(row), before: { url: row.url } });
}

export function auditedAs({ id, tenantId }: Pick<WebhookRow, 'id' | 'tenantId'>) {
  return { resourceType: 'webhook', resourceId: id, ...(tenantId === null ? {} : { tenantId }) } as const;
}
