import { isIP } from 'node:net';
import { z } from 'zod';
import { budgetSchema, limitsSchema, usdSchema } from './amount-schema';
import { modelGlobSchema } from './glob-schema';
import { keySecretSchema } from './secret';

export const idSchema = z.string().regex(/^[\w][\w.-]{0,99}$/, 'must be letters, digits, dots, dashes and underscores');

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** A CIDR range; a plain address is the range of that address alone. */
const cidrSchema = z.string().transform((text, context) => {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (bits === 0 || rest.length > 0 || !(length <= bits)) {
    context.addIssue({ code: 'custom', message: 'must be an address range such as 10.0.0.0/8' });
    return z.NEVER;
  }
  return `${address}/${length}`;
});

export const keySchema = z.strictObject({
  name: idSchema,
  key: keySecretSchema,
  kind: z.enum(['service', 'user', 'team']).prefault('service'),
  permissions: z.array(z.enum(['llm', 'embeddings', 'stt', 'tts', 'image', 'search', 'admin', '*'])).prefault(['*']),
  models: z.array(modelGlobSchema).prefault([]),
  origins: z.array(z.string().refine(isOrigin, 'must be an origin such as https://app.example.com')).prefault([]),
  ips: z.array(cidrSchema).prefault([]),
  expiresAt: z.iso.datetime({ offset: true, error: 'must be a time such as 2027-01-01T00:00:00Z' }).optional(),
  limits: limitsSchema.prefault({}),
  budget: budgetSchema.optional(),
  logging: z.strictObject({ requests: z.boolean().prefault(false), prompts: z.boolean().prefault(false) }).prefault({}),
});

/** Of the call log: whole days. */
export const retentionDaysSchema = z.number().int('must be whole days').min(1).max(3650);

export const tenantSchema = z.strictObject({
  id: idSchema,
  name: z.string().min(1, 'must not be empty').optional(),
  active: z.boolean().prefault(true),
  limits: limitsSchema.prefault({}),
  budget: budgetSchema.optional(),
  callLogRetentionDays: retentionDaysSchema.optional(),
  credits: z.strictObject({ usd: usdSchema }).optional(),
  keys: z.array(z.unknown()).prefault([]),
});

export type KeyEntry = z.infer<typeof keySchema>;
export type TenantEntry = z.infer<typeof tenantSchema>;
