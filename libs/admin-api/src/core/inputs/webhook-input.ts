import { WEBHOOK_EVENT_TYPES } from '@switchboard/contracts';
import { idSchema } from '@switchboard/platform';
import { z } from 'zod';

const urlSchema = z.string().max(2_048, 'must be at most 2,048 characters');
const eventsSchema = z
  .array(z.enum(WEBHOOK_EVENT_TYPES, `must be ${WEBHOOK_EVENT_TYPES.join(' or ')}`))
  .min(1, 'must not be empty')
  .transform((events) => [...new Set(events)]);

/** Without `tenant` it is told of all tenants. */
export const webhookCreateInput = z.strictObject({
  tenant: idSchema.optional(),
  url: urlSchema,
  events: eventsSchema.prefault([...WEBHOOK_EVENT_TYPES]),
  trustedNetwork: z.boolean().prefault(false),
});

/** What is left out stays; `events` are replaced whole. */
export const webhookUpdateInput = z.strictObject({
  url: urlSchema.optional(),
  events: eventsSchema.optional(),
  trustedNetwork: z.boolean().optional(),
  active: z.boolean().optional(),
});

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;

export type WebhookCreateInput = z.output<typeof webhookCreateInput>;
export type WebhookUpdateInput = z.output<typeof webhookUpdateInput>;
