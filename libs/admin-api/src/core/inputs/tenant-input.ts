import { budgetSchema, limitsSchema, retentionDaysSchema, tenantSchema } from '@switchboard/platform';
import { z } from 'zod';

/** As in gateway.yaml; keys and credits are made by calls of their own. */
export const tenantCreateInput = tenantSchema.omit({ keys: true, credits: true });

/** What is left out stays; null takes it away; `limits` are replaced whole. */
export const tenantUpdateInput = z.strictObject({
  name: tenantSchema.shape.name,
  active: z.boolean().optional(),
  limits: limitsSchema.optional(),
  budget: budgetSchema.nullable().optional(),
  callLogRetentionDays: retentionDaysSchema.nullable().optional(),
});

export type TenantCreateInput = z.infer<typeof tenantCreateInput>;
export type TenantUpdateInput = z.infer<typeof tenantUpdateInput>;
