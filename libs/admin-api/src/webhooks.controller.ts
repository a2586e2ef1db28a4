import { Inject } from '@nestjs/common';
import { z } from 'zod';
import { scopeOf } from './auth/permissions';
import { DELIVERY_STATES, webhookCreateInput, webhookUpdateInput } from './core/inputs/webhook-input';
import { notFound } from './core/refusals';
import type { WebhookView } from './core/webhook-view';
import { requirePermission } from './http/access.guard';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { idParams, pageReply, pageShape, tenantPageQuery } from './http/page-query';
import { deletedReply } from './http/replies/reply-registry';
import {
  deliveryPageReply,
  deliveryReply,
  newWebhookReply,
  webhookPageReply,
  webhookReply,
} from './http/replies/webhook-replies';
import { ApiController } from './http/routes';
import { Mutations } from './services/mutations';
import { WebhookDeliveries } from './services/webhook-deliveries';
import { lockedWebhook, Webhooks } from './services/webhooks';

const target = { at: 'webhook', name: 'id' } as const;
const read = { permission: 'webhook.read', target, params: idParams } as const;
const write = { permission: 'webhook.write', target, params: idParams } as const;

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listWebhooks', summary: 'Who is told of budgets, by id.' },
  ...{ permission: 'webhook.read', target: { at: 'scope' }, query: tenantPageQuery, reply: webhookPageReply },
});

const CREATE = endpoint({
  ...{ method: 'POST', path: '', operationId: 'createWebhook' },
  summary: 'Adds a webhook, of all tenants where none is named. `secret` is shown this once.',
  ...{ permission: 'webhook.write', target: { at: 'tenant', in: 'body', name: 'tenant' }, body: webhookCreateInput },
  ...{ reply: newWebhookReply, status: 201 },
});

const GET = endpoint({
  ...{ method: 'GET', path: ':id', operationId: 'getWebhook', summary: 'One webhook, without its secret.' },
  ...{ ...read, reply: webhookReply },
});

const UPDATE = endpoint({
  ...{ method: 'PATCH', path: ':id', operationId: 'updateWebhook', summary: 'Changes what is given.' },
  ...{ ...write, body: webhookUpdateInput, reply: webhookReply },
});

const REMOVE = endpoint({
  ...{ method: 'DELETE', path: ':id', operationId: 'deleteWebhook', summary: 'Removes a webhook with its deliveries.' },
  ...{ ...write, reply: deletedReply },
});

const ROTATE = endpoint({
  ...{ method: 'POST', path: ':id/rotate-secret', operationId: 'rotateWebhookSecret' },
  summary: 'Gives it a new secret, which signs from now on and is shown this once.',
  ...{ ...write, reply: newWebhookReply },
});

const TEST = endpoint({
  ...{
    method: 'POST',
    path: ':id/test',
    operationId: 'testWebhook',
    summary: 'Has a `webhook.test` event sent to it.',
  },
  ...{ ...write, reply: deliveryReply, status: 202 },
});

const DELIVERIES = endpoint({
  ...{ method: 'GET', path: ':id/deliveries', operationId: 'listWebhookDeliveries' },
  summary: 'What was sent to it in the last 30 days, and how that went, the latest first.',
  ...{ ...read, reply: deliveryPageReply },
  query: z.strictObject({ ...pageShape, status: z.enum(DELIVERY_STATES).optional() }),
});

const REDELIVER = endpoint({
  ...{ method: 'POST', path: ':id/deliveries/:delivery/redeliver', operationId: 'redeliverWebhook' },
  summary: 'Has a failed delivery sent again.',
  ...{ ...write, reply: deliveryReply, status: 202 },
  params: idParams.extend({ delivery: idParams.shape.id }),
});

@ApiController('webhooks')
export class WebhooksController {
  constructor(
    @Inject(Webhooks) private readonly webhooks: Webhooks,
    @Inject(WebhookDeliveries) private readonly deliveries: WebhookDeliveries,
    @Inject(Mutations) private readonly mutations: Mutations,
  ) {}

  @Handles(LIST)
  async list(@Input() { query, principal }: InputOf<typeof LIST>) {
    const { tenant: tenantId, ...page } = query;
    return pageReply(await this.webhooks.list(page, { tenantId }, scopeOf(principal)));
  }

  @Handles(CREATE)
  create(@Input() input: InputOf<typeof CREATE>) {
    const { body, principal } = input;
    if (body.tenant === undefined || body.trustedNetwork) requirePermission(principal, 'webhook.govern');
    return mutate(this.mutations, CREATE, input, (change) => this.webhooks.create(change, body));
  }

  @Handles(GET)
  get(@Input() { params: { id } }: InputOf<typeof GET>): Promise<WebhookView> {
    return this.found(id);
  }

  @Handles(UPDATE)
  update(@Input() input: InputOf<typeof UPDATE>) {
    const { params, body, principal } = input;
    return mutate(this.mutations, UPDATE, input, async (change) => {
      const { trustedNetwork } = await lockedWebhook(change, params.id);
      const isMoved = body.url !== undefined && trustedNetwork && body.trustedNetwork !== false;
      if (body.trustedNetwork === true || isMoved) requirePermission(principal, 'webhook.govern');
      return this.webhooks.update(change, params.id, body);
    });
  }

  @Handles(REMOVE)
  remove(@Input() input: InputOf<typeof REMOVE>) {
    const { id } = input.params;
    return mutate(this.mutations, REMOVE, input, async (change) => {
      await this.webhooks.remove(change, id);
      return { id, deleted: true };
    });
  }

  @Handles(ROTATE)
  rotateSecret(@Input() input: InputOf<typeof ROTATE>) {
    const { id } = input.params;
    return mutate(this.mutations, ROTATE, input, (change) => this.webhooks.rotateSecret(change, id));
  }

  @Handles(TEST)
  test(@Input() input: InputOf<typeof TEST>) {
    const { id } = input.params;
    return mutate(this.mutations, TEST, input, (change) => this.deliveries.test(change, id));
  }

  @Handles(DELIVERIES)
  async listDeliveries(@Input() { params: { id }, query }: InputOf<typeof DELIVERIES>) {
    await this.found(id);
    const { status, ...page } = query;
    return pageReply(await this.deliveries.list(id, page, { status }));
  }

  @Handles(REDELIVER)
  redeliver(@Input() input: InputOf<typeof REDELIVER>) {
    const { id, delivery } = input.params;
    return mutate(this.mutations, REDELIVER, input, (change) => this.deliveries.redeliver(change, id, delivery));
  }

  private async found(id: string): Promise<WebhookView> {
    const webhook = await this.webhooks.get(id);
    if (webhook === undefined) throw notFound('webhook', id);
    return webhook;
  }
}
