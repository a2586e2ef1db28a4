import { WEBHOOK_EVENT_TYPES } from '@switchboard/contracts';
import { z } from 'zod';
import { DELIVERY_STATES } from '../../core/inputs/webhook-input';
import { instantReply, named, pageOfReplies } from './reply-registry';
import { managedReply } from './tenant-replies';

const count = z.number().int();

const webhookShape = {
  id: z.string(),
  tenant: z.string().nullable().describe('Null: it is told of all tenants.'),
  url: z.string().describe('Without its query.'),
  hasQuery: z.boolean(),
  events: z.array(z.enum(WEBHOOK_EVENT_TYPES)),
  trustedNetwork: z.boolean(),
  active: z.boolean(),
  inactiveReason: z.string().nullable().describe('`gone`: its receiver answered 410.'),
  secretsReadable: z.boolean(),
  ...managedReply,
};

export const webhookReply = named('Webhook', z.strictObject(webhookShape));

export const webhookPageReply = pageOfReplies('WebhookPage', webhookReply);

/** `secret`: shown this once. */
export const newWebhookReply = named('NewWebhook', z.strictObject({ ...webhookShape, secret: z.string() }));

export const deliveryReply = named(
  'WebhookDelivery',
  z.strictObject({
    id: z.string(),
    webhook: z.string(),
    status: z.enum(DELIVERY_STATES),
    attempts: count,
    nextAttemptAt: instantReply.nullable(),
    lastAttemptAt: instantReply.nullable(),
    lastStatus: count.nullable(),
    lastError: z.string().nullable(),
    deliveredAt: instantReply.nullable(),
    createdAt: instantReply,
    event: named(
      'WebhookEvent',
      z.strictObject({
        id: z.string(),
        type: z.enum([...WEBHOOK_EVENT_TYPES, 'webhook.test']),
        createdAt: instantReply,
        data: z.looseObject({}),
      }),
    ),
  }),
);

export const deliveryPageReply = pageOfReplies('WebhookDeliveryPage', deliveryReply);
