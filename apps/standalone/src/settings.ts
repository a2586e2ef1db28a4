import path from 'node:path';
import { z } from 'zod';

const port = (standard: number) => z.coerce.number().int().min(0).max(65_535).default(standard);
const wholeNumber = (standard: number) => z.coerce.number().int().positive().default(standard);
const optionalText = z
  .string()
  .trim()
  .optional()
  .transform((text) => (text === '' ? undefined : text));

/** Process settings, from environment variables of the same names. */
const settingsSchema = z.object({
  PORT: port(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  ADMIN_PORT: port(9090),
  ADMIN_HOST: z.string().min(1).default('127.0.0.1'),
  ADMIN_TOKEN: optionalText,
  DATA_DIR: z.string().min(1).default('.switchboard'),
  DATABASE_URL: optionalText,
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('warn'),
  MAX_BODY_BYTES: wholeNumber(32 * 1024 * 1024),
  KEEPALIVE_MS: wholeNumber(14_000),
  DRAIN_MS: z.coerce.number().int().nonnegative().default(10_000),
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((list) => list.split(',').flatMap((range) => (range.trim() === '' ? [] : [range.trim()]))),
});

export type Settings = z.output<typeof settingsSchema>;

/** All faults at once, each naming its variable. */
export function readSettings(
  env: NodeJS.ProcessEnv,
  cwd: string,
): { ok: true; settings: Settings } | { ok: false; faults: string[] } {
  const parsed = settingsSchema.safeParse(env);
  if (!parsed.success) {
    return { ok: false, faults: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) };
  }
  return { ok: true, settings: { ...parsed.data, DATA_DIR: path.resolve(cwd, parsed.data.DATA_DIR) } };
}
