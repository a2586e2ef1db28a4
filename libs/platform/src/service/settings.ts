import { hostname } from 'node:os';
import { z } from 'zod';
import { tracingSettings } from '../tracing/settings';

export type ReadSettings<S extends z.ZodRawShape> =
  { ok: true; settings: z.output<z.ZodObject<S>> } | { ok: false; faults: string[] };

export const portSetting = (standard: number) => z.coerce.number().int().min(0).max(65_535).default(standard);

export const positiveSetting = (standard: number) => z.coerce.number().int().positive().default(standard);

/** From 0 on: milliseconds that may be none. */
export const durationSetting = (standardMs: number) => z.coerce.number().int().nonnegative().default(standardMs);

export const databaseUrlSetting = z
  .string()
  .trim()
  .regex(/^postgres(ql)?:\/\/\S+$/, 'must be postgresql://user:password@host:port/database');

export const redisUrlSetting = z
  .string()
  .trim()
  .regex(/^rediss?:\/\/\S+$/, 'must be redis://host:port or rediss://host:port')
  .default('redis://127.0.0.1:6379');

/** Absent where nothing is set: no bound at all. */
export const boundSetting = (least: number) =>
  z.coerce.number().int().min(least, `must be at least ${least}, or not set`).optional();

/** A blank one is absent. */
export const optionalText = z
  .string()
  .trim()
  .optional()
  .transform((text) => (text === '' ? undefined : text));

export const listSetting = z
  .string()
  .default('')
  .transform((list) => list.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()])));

export const logLevelSetting = (standard: 'info' | 'warn') =>
  z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default(standard);

/** What every service of the distributed form is set by, from environment variables of the same names. */
export const serviceSettings = {
  /** The private port: probes, metrics and, in admin-api, the admin API. */
  ADMIN_PORT: portSetting(9090),
  ADMIN_HOST: z.string().min(1).default('0.0.0.0'),
  LOG_LEVEL: logLevelSetting('info'),
  /** One server or several of one cluster, by commas. */
  NATS_URL: z
    .string()
    .regex(/^(nats|tls):\/\/[^\s,]+(,(nats|tls):\/\/[^\s,]+)*$/, 'must be nats://host:port or tls://host:port')
    .default('nats://127.0.0.1:4222'),
  /** On how many servers of that cluster streams and buckets are kept. The same for every service. */
  NATS_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
  /** This process among those of its service. */
  INSTANCE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be 1 to 128 letters, digits, - and _')
    .default(() => `${hostname()}-${process.pid}`.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(-128)),
  ...tracingSettings,
};

export type ServiceSettings = z.output<z.ZodObject<typeof serviceSettings>>;

/** `serviceSettings` and the service's own. All faults at once, each naming its variable and none its value. */
export function readServiceSettings<S extends z.ZodRawShape>(
  shape: S,
  env: NodeJS.ProcessEnv,
): ReadSettings<typeof serviceSettings & S> {
  return readSettings({ ...serviceSettings, ...shape }, env);
}

/** A variable that is set and blank counts as one that is not set. */
export function readSettings<S extends z.ZodRawShape>(shape: S, env: NodeJS.ProcessEnv): ReadSettings<S> {
  const given = Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== '');
  const parsed = z.object(shape).safeParse(Object.fromEntries(given));
  if (parsed.success) return { ok: true, settings: parsed.data };
  const faults = parsed.error.issues.map(({ path, message }) => {
    return `${path.join('.')}: ${message.endsWith('received undefined') ? 'required' : message}`;
  });
  return { ok: false, faults };
}
