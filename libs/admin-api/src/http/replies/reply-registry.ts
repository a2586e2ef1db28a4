import { z } from 'zod';

/** The schemas of the OpenAPI document that have a name of their own. */
export const replySchemas = z.registry<{ id: string }>();

/** Gives a schema its name in the document. */
export function named<S extends z.ZodType>(id: string, schema: S): S {
  replySchemas.add(schema, { id });
  return schema;
}

/** A page of a list; `nextCursor` is null on the last one. */
export function pageOfReplies<S extends z.ZodType>(id: string, item: S) {
  return named(id, z.strictObject({ data: z.array(item), nextCursor: z.string().nullable() }));
}

export const instantReply = z.iso.datetime();

/** Decimal digits: sums outgrow what JSON readers keep exact. */
export const digitsReply = z.string().regex(/^-?\d+$/);

/** USD with its nine decimals, exact. */
export const decimalUsdReply = z.string().regex(/^-?\d+\.\d{9}$/);

export const errorReply = named(
  'Error',
  z.strictObject({
    error: z.strictObject({
      code: z.string(),
      message: z.string(),
      faults: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    }),
  }),
);

/** What deletions answer with. */
export const deletedReply = named('Deleted', z.strictObject({ id: z.string(), deleted: z.literal(true) }));
