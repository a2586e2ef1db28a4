import { datedPricesSchema, modelSchema, priceSheetSchema, upstreamSchema } from '@switchboard/platform';
import { z } from 'zod';

const upstreams = z.array(upstreamSchema).min(1, 'must name at least one upstream').optional();

/** As in gateway.yaml: of a built-in model, everything but the id may be left out. */
export const modelCreateInput = modelSchema.extend({ upstreams });

const { longPrompt, batch, reasoning } = priceSheetSchema.shape;
const currentPriceUpdate = priceSheetSchema
  .extend({ longPrompt: longPrompt.nullable(), batch: batch.nullable(), reasoning: reasoning.nullable() })
  .partial();

/**
 * What is left out stays; lists are replaced whole, `capabilities` and `pricing` one by one: a new input price must not
 * silently take a price for cached tokens along. `longPrompt` and
 * `batch` are one price each; null takes away what may be absent.
 * Prices that are announced stay, unless a list says all of them anew.
 */
export const modelUpdateInput = modelSchema.omit({ id: true, onDisconnect: true }).extend({
  onDisconnect: z.enum(['cancel', 'drain']).optional(),
  pricing: z.union([currentPriceUpdate, datedPricesSchema], 'must be a price or a list of them').optional(),
  upstreams,
});

export type ModelCreateInput = z.infer<typeof modelCreateInput>;
export type ModelUpdateInput = z.infer<typeof modelUpdateInput>;
