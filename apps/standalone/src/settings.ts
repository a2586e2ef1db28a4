import path from 'node:path';
import {
  boundSetting,
  durationSetting,
  listSetting,
  logLevelSetting,
  optionalText,
  portSetting,
  positiveSetting,
  type ReadSettings,
  readSettings as readProcessSettings,
  serviceSettings,
  slowCallSettings,
  tracingSettings,
} from '@switchboard/platform';
import { z } from 'zod';

/** Process settings, from environment variables of the same names. */
const settingsShape = {
  PORT: portSetting(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  ADMIN_PORT: portSetting(9090),
  ADMIN_HOST: z.string().min(1).default('127.0.0.1'),
  ADMIN_TOKEN: optionalText,
  DATA_DIR: z.string().min(1).default('.switchboard'),
  DATABASE_URL: optionalText,
  /** Of calls. Absent: all are kept. */
  USAGE_RETENTION_MONTHS: boundSetting(3),
  LOG_LEVEL: logLevelSetting('warn'),
  INSTANCE: serviceSettings.INSTANCE,
  MAX_BODY_BYTES: positiveSetting(32 * 1024 * 1024),
  KEEPALIVE_MS: positiveSetting(14_000),
  READ_ON_MS: positiveSetting(120_000),
  DRAIN_MS: durationSetting(10_000),
  /** How long the calls of tenants are kept that do not say it. */
  CALL_LOG_RETENTION_DAYS: positiveSetting(30),
  /** How long responses are stored. */
  RESPONSES_RETENTION_DAYS: positiveSetting(30),
  TRUSTED_PROXIES: listSetting,
  /** Of the spool in DATA_DIR, where usage waits for the database. */
  SPOOL_MAX_BYTES: positiveSetting(256 * 1024 * 1024),
  ...tracingSettings,
  ...slowCallSettings,
};

export type Settings = z.output<z.ZodObject<typeof settingsShape>>;

/** All faults at once, each naming its variable. */
export function readSettings(env: NodeJS.ProcessEnv, cwd: string): ReadSettings<typeof settingsShape> {
  const read = readProcessSettings(settingsShape, env);
  if (!read.ok) return read;
  return { ok: true, settings: { ...read.settings, DATA_DIR: path.resolve(cwd, read.settings.DATA_DIR) } };
}
