import type { UsageFilter, UsageGrouping } from '@switchboard/contracts';
import { z } from 'zod';
import { AdminError } from './admin-error';

const instant = z.union([z.iso.datetime({ offset: true }), z.iso.date()], {
  error: 'must be a time in RFC 3339 (2026-11-20T12:00:00Z) or a date (2026-11-20, UTC)',
});

const name = z.string('may be given once').min(1).max(512);

const schema = z
  .strictObject({
    tenant: name.optional(),
    key: name.optional(),
    model: name.optional(),
    from: instant.optional(),
    to: instant.optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    cursor: name.optional(),
    groupBy: z.enum(['key', 'model', 'upstream', 'hour', 'day']).optional(),
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

/** @throws AdminError 400 with every fault of the query. */
export function parseUsageQuery(query: unknown): UsageQuery {
  const result = schema.safeParse(query);
  if (!result.success) {
    const faults = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    throw new AdminError(400, 'invalid_query', 'the query has faults', { faults });
  }
  const { tenant, key, model, from, to, ...rest } = result.data;
  const filter: UsageFilter = {
    tenantId: tenant,
    keyId: key,
    model,
    fromMs: from === undefined ? undefined : Date.parse(from),
    toMs: to === undefined ? undefined : Date.parse(to),
  };
  return { filter, ...rest };
}
