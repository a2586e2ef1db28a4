import {
  boundSetting,
  createSealer,
  databaseUrlSetting,
  positiveSetting,
  readSecretRing,
  readServiceSettings,
  redisUrlSetting,
  type Sealer,
} from '@switchboard/platform';
import { z } from 'zod';

/** The service's own environment variables, beside those every service has. */
const shape = {
  DATABASE_URL: databaseUrlSetting,
  /** Says when recurring jobs have their turn. */
  REDIS_URL: redisUrlSetting,
  /** How long the calls of tenants are kept that do not say it. */
  CALL_LOG_RETENTION_DAYS: positiveSetting(30),
  /** How long responses are stored, from when they come. */
  RESPONSES_RETENTION_DAYS: positiveSetting(30),
  /** Of calls; budgets and late corrections reach back no further than three. Absent: all are kept. */
  USAGE_RETENTION_MONTHS: boundSetting(3),
  /** Of how many tenants, the dearest of the day, the metrics tell by id; 0: of none. */
  TENANT_COST_TOP: z.coerce.number().int().min(0).max(100).default(0),
};

type SettingsRead = ReturnType<typeof readServiceSettings<typeof shape>>;
export type MeteringServiceSettings = Extract<SettingsRead, { ok: true }>['settings'];

/** `sealer`: for the secrets of webhooks. */
export type ReadMeteringSettings =
  { ok: true; settings: MeteringServiceSettings; sealer: Sealer } | { ok: false; faults: string[] };

/** All faults at once, each naming its variable and none its value. */
export function readMeteringSettings(env: NodeJS.ProcessEnv): ReadMeteringSettings {
  const read = readServiceSettings(shape, env);
  const kek = readSecretRing('KEK', env);
  if (read.ok && kek.ok) return { ok: true, settings: read.settings, sealer: createSealer(kek.ring) };
  return { ok: false, faults: [...(read.ok ? [] : read.faults), ...(kek.ok ? [] : [kek.fault])] };
}
