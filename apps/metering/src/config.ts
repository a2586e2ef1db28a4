import { boundSetting, positiveSetting, readServiceSettings, redisUrlSetting } from '@switchboard/platform';
import { z } from 'zod';

/** The service's own environment variables, beside those every service has. */
const shape = {
  DATABASE_URL: z
    .string()
    .trim()
    .regex(/^postgres(ql)?:\/\/\S+$/, 'must be postgresql://user:password@host:port/database'),
  /** Says when recurring jobs have their turn. */
  REDIS_URL: redisUrlSetting,
  /** How long the calls of tenants are kept that do not say it. */
  CALL_LOG_RETENTION_DAYS: positiveSetting(30),
  /** Of calls; budgets and late corrections reach back no further than three. Absent: all are kept. */
  USAGE_RETENTION_MONTHS: boundSetting(3),
};

/** All faults at once, each naming its variable and none its value. */
export function readMeteringSettings(env: NodeJS.ProcessEnv) {
  return readServiceSettings(shape, env);
}
