import { z } from 'zod';
import { countSchema, pricePerMillionSchema } from './amount-schema';

const nameSchema = z
  .string()
  .max(200, 'must be at most 200 characters')
  .regex(/^[\w~][\w.:/~@-]*$/, 'must be letters, digits and . : / - _ ~ @')
  .refine((name) => name !== 'auto' && !name.startsWith('auto:'), 'auto names a policy');

const tokenPriceShape = {
  input: pricePerMillionSchema,
  output: pricePerMillionSchema,
  cacheRead: pricePerMillionSchema.optional(),
  cacheWrite5m: pricePerMillionSchema.optional(),
  cacheWrite1h: pricePerMillionSchema.optional(),
  reasoning: pricePerMillionSchema.optional(),
};

/** USD per million tokens. */
export const priceSheetSchema = z.strictObject({
  ...tokenPriceShape,
  longPrompt: z.strictObject({ aboveInputTokens: countSchema, ...tokenPriceShape }).optional(),
  batch: z.strictObject(tokenPriceShape).optional(),
});

const instantSchema = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-01T00:00:00Z' });

/** The price that holds now, then the changes to come. */
export const datedPricesSchema = z
  .array(priceSheetSchema.extend({ from: instantSchema.optional() }))
  .min(1, 'must not be empty');

export const upstreamSchema = z.strictObject({
  provider: z.string(),
  model: z.string().min(1, 'must not be empty'),
  weight: z.number().positive('must be positive').prefault(1),
  cost: priceSheetSchema.optional(),
});

export const capabilitiesSchema = z
  .strictObject({
    streaming: z.boolean(),
    tools: z.enum(['native', 'emulated', 'none']),
    vision: z.boolean(),
    documents: z.boolean(),
    reasoning: z.boolean(),
    structuredOutputs: z.boolean(),
  })
  .partial();

/** Everything but the id may be left out of a built-in model; what else is required the reader says. */
export const modelSchema = z.strictObject({
  id: nameSchema,
  displayName: z.string().min(1, 'must not be empty').optional(),
  description: z.string().optional(),
  category: z.enum(['llm', 'embedding']).optional(),
  createdAt: instantSchema.optional(),
  aliases: z.array(nameSchema).optional(),
  contextWindow: countSchema.optional(),
  maxOutputTokens: countSchema.optional(),
  capabilities: capabilitiesSchema.optional(),
  pricing: z.union([priceSheetSchema, datedPricesSchema], 'must be a price or a list of them').optional(),
  onDisconnect: z.enum(['cancel', 'drain']).prefault('cancel'),
  upstreams: z.array(z.unknown()).optional(),
});

export type ModelEntry = z.infer<typeof modelSchema>;
export type UpstreamEntry = z.infer<typeof upstreamSchema>;
