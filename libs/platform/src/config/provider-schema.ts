import { z } from 'zod';
import { countSchema } from './amount-schema';
import { secretSchema } from './secret';

export const millisecondsSchema = countSchema.max(24 * 3_600_000, 'must be at most a day');

/** Of a provider that says nothing of its own. */
export const PROBE_INTERVAL_MS = 10_000;

export const providerSchema = z.strictObject({
  id: z.string().regex(/^[\w][\w.-]*$/, 'must be letters, digits, dots, dashes and underscores'),
  kind: z.enum([
    'anthropic',
    'openai',
    'openrouter',
    'azure-openai',
    'anthropic-compatible',
    'openai-compatible',
    'responses-compatible',
  ]),
  baseUrl: z.string().optional(),
  apiVersion: z
    .string()
    .regex(/^[\w.-]+$/, 'must be letters, digits, dots, dashes and underscores')
    .optional(),
  apiKey: secretSchema.optional(),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^`|~\w-]+$/, 'must be a header name'),
      z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'must be a header value'),
    )
    .prefault({}),
  tier: z.number().int('must be a whole number').nonnegative('must not be negative').prefault(2),
  timeouts: z
    .strictObject({
      connectMs: millisecondsSchema.prefault(2_000),
      // Reasoning models over Chat are silent until they have thought; half a minute would cut them off.
      firstTokenMs: millisecondsSchema.prefault(120_000),
      idleMs: millisecondsSchema.prefault(60_000),
      totalMs: millisecondsSchema.prefault(3_600_000),
    })
    .prefault({}),
  limits: z
    .strictObject({ concurrency: countSchema.optional(), rpm: countSchema.optional(), tpm: countSchema.optional() })
    .prefault({}),
  probe: z
    .union(
      [
        z.strictObject({
          path: z
            .string()
            .regex(/^\/[\x21-\x7e]*$/, 'must start with / and hold no spaces')
            .optional(),
          intervalMs: millisecondsSchema.min(1_000, 'must be at least 1000').prefault(PROBE_INTERVAL_MS),
        }),
        z.literal('off'),
        z.literal(false),
      ],
      'must be off, or a path and an intervalMs',
    )
    .optional(),
  trustedNetwork: z.boolean().prefault(false),
});

export type ProviderEntry = z.infer<typeof providerSchema>;
