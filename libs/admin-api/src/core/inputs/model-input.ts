import { modelSchema, upstreamSchema } from '@switchboard/platform';
import { z } from 'zod';

const upstreams = z.array(upstreamSchema).min(1, 'must name at least one upstream').optional();

/** As in gateway.yaml: of a built-in model, everything but the id may be left out. */
export const modelCreateInput = modelSchema.extend({ upstreams });

/** What is left out stays; lists and prices are replaced whole, `capabilities` one by one. */
export const modelUpdateInput = modelSchema
  .omit({ id: true, onDisconnect: true })
  .extend({ onDisconnect: z.enum(['cancel', 'drain']).optional(), upstreams });

export type ModelCreateInput = z.infer<typeof modelCreateInput>;
export type ModelUpdateInput = z.infer<typeof modelUpdateInput>;
