import { z } from 'zod';
import { filterSchema, instantSchema } from '../core/usage-query';
import { tenantPageQuery } from './page-query';

/** `resource`: a type (`key`), or one of them (`key:<id>`). */
export const auditQuery = tenantPageQuery
  .extend({
    actor: filterSchema.optional(),
    action: filterSchema.optional(),
    resource: filterSchema.optional(),
    from: instantSchema.optional(),
    to: instantSchema.optional(),
    format: z.enum(['json', 'csv']).default('json'),
  })
  .superRefine(({ from, to }, context) => {
    if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)) {
      context.addIssue({ code: 'custom', path: ['to'], message: 'must be after from' });
    }
  });

export type AuditQuery = z.output<typeof auditQuery>;
