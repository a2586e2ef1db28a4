import { durationSetting, readServiceSettings } from '@switchboard/platform';
import { z } from 'zod';

/** Longer than the longest call: at least as long as an edge may drain. */
const RESERVATION_TTL_MS = 70 * 60_000;

/** The service's own environment variables, beside those every service has. */
const shape = {
  REDIS_URL: z
    .string()
    .trim()
    .regex(/^rediss?:\/\/\S+$/, 'must be redis://host:port or rediss://host:port')
    .default('redis://127.0.0.1:6379'),
  RESERVATION_TTL_MS: durationSetting(RESERVATION_TTL_MS).pipe(z.number().min(1_000)),
};

/** All faults at once, each naming its variable and none its value. */
export function readRateLimitSettings(env: NodeJS.ProcessEnv) {
  return readServiceSettings(shape, env);
}
