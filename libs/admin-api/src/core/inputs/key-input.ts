import { budgetSchema, idSchema, keySchema, limitsSchema } from '@switchboard/platform';
import { z } from 'zod';

/** The longest overlap of a rotation, 30 days. */
const OVERLAP_SECONDS_MAX = 30 * 24 * 3600;

/** As in gateway.yaml, but for the secret, which is made here. `environment`: what the key says of itself, `_live_` or `_test_`. */
export const keyCreateInput = keySchema.omit({ key: true }).extend({
  tenant: idSchema,
  environment: z.enum(['live', 'test']).prefault('live'),
});

const { permissions, models, origins, ips, logging } = keySchema.shape;

/** What is left out stays; null takes it away; lists, `limits` and `logging` are replaced whole. */
export const keyUpdateInput = z.strictObject({
  name: idSchema.optional(),
  permissions: permissions.unwrap().optional(),
  models: models.unwrap().optional(),
  origins: origins.unwrap().optional(),
  ips: ips.unwrap().optional(),
  expiresAt: keySchema.shape.expiresAt.nullable(),
  limits: limitsSchema.optional(),
  budget: budgetSchema.nullable().optional(),
  logging: logging.unwrap().optional(),
});

/** How long the older secrets of the key go on working. */
export const keyRotateInput = z.strictObject({
  overlapSeconds: z
    .number()
    .int('must be a whole number')
    .nonnegative('must not be negative')
    .max(OVERLAP_SECONDS_MAX, 'must be at most 30 days (2,592,000)')
    .prefault(0),
});

export type KeyCreateInput = z.infer<typeof keyCreateInput>;
export type KeyUpdateInput = z.infer<typeof keyUpdateInput>;
export type KeyRotateInput = z.infer<typeof keyRotateInput>;
