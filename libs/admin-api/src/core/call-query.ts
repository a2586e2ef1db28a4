import type { CallFilter } from '@switchboard/contracts';
import { z } from 'zod';
import { filterSchema, instantSchema } from './usage-query';

/** A prompt has up to 64 KiB. */
const PROMPTS_MAX = 100;

export const promptsSchema = z.enum(['true', 'false']).default('false');

export const callQuerySchema = z
  .strictObject({
    tenant: filterSchema.optional(),
    key: filterSchema.optional(),
    model: filterSchema.optional(),
    status: z.coerce.number().int().min(100).max(599).optional(),
    outcome: filterSchema.optional(),
    from: instantSchema.optional(),
    to: instantSchema.optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    cursor: filterSchema.optional(),
    prompts: promptsSchema,
    format: z.enum(['json', 'csv']).default('json'),
  })
  .superRefine(({ from, to, limit, prompts }, context) => {
    if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)) {
      context.addIssue({ code: 'custom', path: ['to'], message: 'must be after from' });
    }
    if (prompts === 'true' && limit > PROMPTS_MAX) {
      context.addIssue({ code: 'custom', path: ['limit'], message: `at most ${PROMPTS_MAX} with prompts` });
    }
  });

export type CallQuery = z.output<typeof callQuerySchema>;

/** Without the tenant: whose calls are shown is decided by who asks. */
export function callFilterOf({ key, model, status, outcome, from, to }: CallQuery): CallFilter {
  return {
    ...{ keyId: key, model, status, outcome },
    fromMs: from === undefined ? undefined : Date.parse(from),
    toMs: to === undefined ? undefined : Date.parse(to),
  };
}
