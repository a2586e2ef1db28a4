import type { UsageFilter, UsageGrouping } from '@switchboard/contracts';
import { z } from 'zod';

export const instantSchema = z.union([z.iso.datetime({ offset: true }), z.iso.date()], {
  error: 'must be a time in RFC 3339 (2026-11-20T12:00:00Z) or a date (2026-11-20, UTC)',
});

export const filterSchema = z.string('may be given once').min(1).max(512);

export const usageQuerySchema = z
  .strictObject({
    tenant: filterSchema.optional(),
    key: filterSchema.optional(),
    model: filterSchema.optional(),
    from: instantSchema.optional(),
    to: instantSchema.optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    cursor: filterSchema.optional(),
    /** `provider` and `upstream` are one. */
    groupBy: z.enum(['tenant', 'key', 'model', 'provider', 'upstream', 'hour', 'day']).optional(),
    format: z.enum(['json', 'csv']).default('json'),
  })
  .superRefine(({ from, to, cursor, groupBy }, context) => {
    if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)) {
      context.addIssue({ code: 'custom', path: ['to'], message: 'must be after from' });
    }
    if (cursor !== undefined && groupBy !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['cursor'],
        message: 'totals have no pages: leave out cursor or groupBy',
      });
    }
  });

export interface UsageQuery {
  filter: UsageFilter;
  limit: number;
  cursor?: string;
  groupBy?: UsageGrouping;
  format: 'json' | 'csv';
}

export function usageQueryOf(query: z.output<typeof usageQuerySchema>): UsageQuery {
  const { tenant, key, model, from, to, groupBy, ...rest } = query;
  const filter: UsageFilter = {
    tenantId: tenant,
    keyId: key,
    model,
    fromMs: from === undefined ? undefined : Date.parse(from),
    toMs: to === undefined ? undefined : Date.parse(to),
  };
  return { filter, groupBy: groupBy === 'provider' ? 'upstream' : groupBy, ...rest };
}
