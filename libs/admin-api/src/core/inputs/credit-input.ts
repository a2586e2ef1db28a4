import { usdSchema } from '@switchboard/platform';
import { z } from 'zod';

export const topUpInput = z.strictObject({
  usd: usdSchema.refine((usd) => usd > 0, 'must be more than 0'),
  note: z.string().max(500, 'must be at most 500 characters').prefault(''),
});

export type TopUpInput = z.infer<typeof topUpInput>;
