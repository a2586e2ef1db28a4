import { z } from 'zod';
import { DEFAULT_BRAND, defaultPolicies } from './gateway-config';
import { modelGlobSchema } from './glob-schema';

export const brandSchema = z
  .strictObject({
    slug: z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes'),
    keyPrefix: z.string().regex(/^[a-z][a-z0-9]*$/, 'must be lower-case letters and digits'),
  })
  .partial()
  .transform((brand) => ({ ...DEFAULT_BRAND, ...brand }));

export const policiesSchema = z
  .strictObject({
    auto: z
      .strictObject({
        order: z
          .array(z.enum(['tier', 'health', 'price']))
          .refine((order) => new Set(order).size === order.length, 'must not repeat itself'),
        models: z.array(modelGlobSchema),
      })
      .partial(),
    limiterUnavailable: z.enum(['open', 'closed']),
    storeResponses: z.enum(['on', 'off']),
    retries: z
      .strictObject({
        share: z.number().min(0, 'must be 0 to 1').max(1, 'must be 0 to 1'),
        least: z.number().int('must be a whole number').nonnegative('must not be negative'),
      })
      .partial(),
    fallbacks: z.array(
      z.strictObject({
        models: z.array(modelGlobSchema).min(1, 'must name a model'),
        to: z.array(z.string().min(1, 'must be a model id')).min(1, 'must name a model'),
      }),
    ),
  })
  .partial()
  .transform((written) => {
    const standard = defaultPolicies();
    return {
      ...standard,
      ...written,
      auto: { ...standard.auto, ...written.auto },
      retries: { ...standard.retries, ...written.retries },
    };
  });

/** The outermost level. What stands in the lists is read item by item, so that a fault in one hides none in another. */
export const gatewaySchema = z.strictObject({
  brand: brandSchema.prefault({}),
  providers: z.array(z.unknown()).optional(),
  models: z.array(z.unknown()).optional(),
  /** Whether the built-in models that the providers serve are offered beside the file's own. */
  builtinModels: z.boolean().prefault(true),
  policies: policiesSchema.prefault({}),
  tenants: z.array(z.unknown()).optional(),
});
