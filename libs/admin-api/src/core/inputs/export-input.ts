import { EXPORT_FORMATS, EXPORT_KINDS } from '@switchboard/contracts';
import { idSchema } from '@switchboard/platform';
import { z } from 'zod';
import { filterSchema, instantSchema } from '../usage-query';

/** Without `tenant` it is of all tenants. `from` and `to` bound when calls began and changes were made. */
export const exportInput = z
  .strictObject({
    kind: z.enum(EXPORT_KINDS),
    format: z.enum(EXPORT_FORMATS),
    tenant: idSchema.optional(),
    key: filterSchema.optional(),
    model: filterSchema.optional(),
    from: instantSchema,
    to: instantSchema,
  })
  .superRefine(({ kind, key, model, from, to }, context) => {
    const fault = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (Date.parse(from) >= Date.parse(to)) fault('to', 'must be after from');
    if (kind !== 'audit') return;
    if (key !== undefined) fault('key', 'only of calls');
    if (model !== undefined) fault('model', 'only of calls');
  });

export type ExportInput = z.output<typeof exportInput>;
