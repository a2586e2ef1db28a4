import { randomBytes } from 'node:crypto';
import { type Prisma, type PrismaClient, type Sealer, sealWebhook, type WebhookSecrets } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import { lockWebhook } from '../adapters/locks';
import { viewOfWebhook, type WebhookRow, webhookSecretsOf } from '../adapters/webhook-rows';
import { AdminError } from '../core/admin-error';
import type { WebhookCreateInput, WebhookUpdateInput } from '../core/inputs/webhook-input';
import { decodeCursor, type Page, pageOf, type PageRequest, type TenantScope } from '../core/page';
import { invalidBody, notFound } from '../core/refusals';
import { type CheckedUrl, checkWebhookUrl } from '../core/webhook-url';
import type { NewWebhookView, WebhookView } from '../core/webhook-view';
import type { Change } from './mutations';
import { lockedTenant } from './tenants';
import { auditedAs } from './webhook-removal';

/** Of one tenant, or of none: each multiplies what is sent. */
const WEBHOOKS_MAX = 20;
const SECRET_BYTES = 32;

/** Who is told of budgets. Their secrets are sealed, and shown when they are made. */
export class Webhooks {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly sealer: Sealer,
  ) {}

  /** By id. Within a scope none of those that are told of all tenants. */
  async list(page: PageRequest, filter: { tenantId?: string } = {}, scope?: TenantScope): Promise<Page<WebhookView>> {
    const tenants = [filter.tenantId === undefined ? undefined : [filter.tenantId], scope && [...scope]];
    const rows = await this.prisma.webhook.findMany({
      where: {
        ...(page.cursor === undefined ? {} : { id: { gt: decodeCursor(page.cursor) } }),
        AND: tenants.flatMap((ids) => (ids === undefined ? [] : [{ tenantId: { in: ids } }])),
      },
      orderBy: { id: 'asc' },
      take: page.limit + 1,
    });
    return pageOf(rows, page.limit, { view: (row) => this.view(row), cursor: ({ id }) => id });
  }

  async get(id: string): Promise<WebhookView | undefined> {
    const row = await this.prisma.webhook.findUnique({ where: { id } });
    return row === null ? undefined : this.view(row);
  }

  /** @throws AdminError 400, 404 for the tenant, 409 */
  async create(change: Change, input: WebhookCreateInput): Promise<NewWebhookView> {
    const { tx, now } = change;
    const { tenant, events, trustedNetwork } = input;
    const { url, query } = accepted(checkWebhookUrl(input.url, input));
    if (tenant !== undefined) await lockedTenant(tx, tenant);
    if ((await tx.webhook.count({ where: { tenantId: tenant ?? null } })) >= WEBHOOKS_MAX) {
      throw new AdminError(409, 'too_many_webhooks', `There are ${WEBHOOKS_MAX} webhooks already: remove one first.`);
    }
    const id = `whk_${uuidv7()}`;
    const secret = newSecret();
    const row = await tx.webhook.create({
      data: {
        ...{ id, tenantId: tenant ?? null, url, sealed: sealWebhook(id, { secret, query }, this.sealer) },
        ...{ events, trustedNetwork, managedBy: 'api', createdAt: now, updatedAt: now },
      },
    });
    const after = this.view(row);
    change.audit({ action: 'webhook.create', ...auditedAs(row), after });
    return { ...after, secret };
  }

  /** What waits for one that is switched off is given up. @throws AdminError 400, 404, 409 */
  async update(change: Change, id: string, input: WebhookUpdateInput): Promise<WebhookView> {
    const before = await lockedWebhook(change, id);
    const { events, active } = input;
    const data: Prisma.WebhookUpdateInput = { updatedAt: change.now, events, ...this.changedAddress(before, input) };
    if (active !== undefined) Object.assign(data, { active, inactiveReason: null });
    const row = await change.tx.webhook.update({ where: { id }, data });
    if (active === false) {
      const lastError = 'the webhook is switched off';
      const pending = { webhookId: id, status: 'pending' };
      await change.tx.webhookDelivery.updateMany({ where: pending, data: { status: 'failed', lastError } });
    }
    const after = this.view(row);
    change.audit({ action: 'webhook.update', ...auditedAs(row), before: this.view(before), after });
    return after;
  }

  /** What is sent from now on, tried again or new, is signed with the new secret. @throws AdminError 404, 409 */
  async rotateSecret(change: Change, id: string): Promise<NewWebhookView> {
    const before = await lockedWebhook(change, id);
    const secret = newSecret();
    const sealed = sealWebhook(id, { ...this.secrets(before), secret }, this.sealer);
    const row = await change.tx.webhook.update({ where: { id }, data: { sealed, updatedAt: change.now } });
    const after = this.view(row);
    change.audit({ action: 'webhook.rotate_secret', ...auditedAs(row), before: this.view(before), after });
    return { ...after, secret };
  }

  /** With its deliveries. @throws AdminError 404 */
  async remove(change: Change, id: string): Promise<void> {
    const row = await lockedWebhook(change, id);
    await change.tx.webhook.delete({ where: { id } });
    change.audit({ action: 'webhook.remove', ...auditedAs(row), before: this.view(row) });
  }

  /** Checked as a whole: what is trusted decides which URL is fine. */
  private changedAddress(row: WebhookRow, input: WebhookUpdateInput): Prisma.WebhookUpdateInput {
    if (input.url === undefined && input.trustedNetwork === undefined) return {};
    const trustedNetwork = input.trustedNetwork ?? row.trustedNetwork;
    const secrets = this.secrets(row);
    const { url, query } = accepted(checkWebhookUrl(input.url ?? row.url + secrets.query, { trustedNetwork }));
    return { url, trustedNetwork, sealed: sealWebhook(row.id, { ...secrets, query }, this.sealer) };
  }

  private secrets(row: WebhookRow): WebhookSecrets {
    const secrets = webhookSecretsOf(row, this.sealer);
    if (secrets !== undefined) return secrets;
    const why = 'its secret and query are sealed under a key that is gone: make another in its place';
    throw new AdminError(409, 'secrets_unreadable', `Webhook ${row.id} cannot be changed: ${why}.`);
  }

  private view(row: WebhookRow): WebhookView {
    return viewOfWebhook(row, this.sealer);
  }
}

/** @throws AdminError 404 */
export async function lockedWebhook({ tx }: Change, id: string): Promise<WebhookRow> {
  await lockWebhook(tx, id);
  const row = await tx.webhook.findUnique({ where: { id } });
  if (row === null) throw notFound('webhook', id);
  return row;
}

/** @throws AdminError 400 */
function accepted(checked: CheckedUrl): Extract<CheckedUrl, { ok: true }> {
  if (!checked.ok) throw invalidBody([{ path: 'url', message: checked.fault }]);
  return checked;
}

function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}
