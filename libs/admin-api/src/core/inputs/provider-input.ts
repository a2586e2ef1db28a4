import { countSchema, millisecondsSchema, providerSchema } from '@switchboard/platform';
import { z } from 'zod';

/** Given as it is, never by reference: this is where it comes in. */
const apiKeySchema = z.string().min(1, 'must not be empty').max(10_000);

/** As in gateway.yaml, the credential in the clear. */
export const providerCreateInput = providerSchema.omit({ apiKey: true }).extend({ apiKey: apiKeySchema.optional() });

const { kind, baseUrl, apiVersion, headers, tier, probe, trustedNetwork } = providerSchema.shape;

/**
 * What is left out stays, credential and headers too; null takes it away; `headers` and `limits` are replaced whole,
 * `timeouts` one by one.
 */
export const providerUpdateInput = z.strictObject({
  kind: kind.optional(),
  baseUrl: baseUrl.nullable(),
  apiVersion: apiVersion.nullable(),
  apiKey: apiKeySchema.nullable().optional(),
  headers: headers.unwrap().optional(),
  tier: tier.unwrap().optional(),
  timeouts: z
    .strictObject({
      connectMs: millisecondsSchema,
      firstTokenMs: millisecondsSchema,
      idleMs: millisecondsSchema,
      totalMs: millisecondsSchema,
    })
    .partial()
    .optional(),
  limits: z
    .strictObject({ concurrency: countSchema.optional(), rpm: countSchema.optional(), tpm: countSchema.optional() })
    .optional(),
  probe: probe.nullable(),
  trustedNetwork: trustedNetwork.unwrap().optional(),
});

export type ProviderCreateInput = z.infer<typeof providerCreateInput>;
export type ProviderUpdateInput = z.infer<typeof providerUpdateInput>;
