import { durationSetting, readServiceSettings, redisUrlSetting } from '@switchboard/platform';
import { z } from 'zod';

/** How long an edge may be silent about a call before the call is taken for dead; it renews three times as often. */
const RESERVATION_LEASE_MS = 60_000;
/** What a call to Redis may take: there is a client waiting behind it. */
const REDIS_TIMEOUT_MS = 50;

/** The service's own environment variables, beside those every service has. */
const shape = {
  REDIS_URL: redisUrlSetting,
  RESERVATION_LEASE_MS: durationSetting(RESERVATION_LEASE_MS).pipe(z.number().min(1_000)),
  REDIS_TIMEOUT_MS: durationSetting(REDIS_TIMEOUT_MS).pipe(z.number().min(5)),
};

/** All faults at once, each naming its variable and none its value. */
export function readRateLimitSettings(env: NodeJS.ProcessEnv) {
  return readServiceSettings(shape, env);
}
