import { type Limiter, LimiterUnavailableError } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { BusLimiter, type BusLimiterOptions } from './bus-limiter';
import type { Reservations } from './core/reservations';

export type { BusLimiterOptions } from './bus-limiter';

/** The limiter of the rate-limit service. */
export function createBusLimiter(options: BusLimiterOptions): Limiter {
  return new BusLimiter(options);
}

/** The limiter of a process that holds the reservations itself. */
export function createLocalLimiter(reservations: Reservations, log: Logger): Limiter {
  const unavailable = (error: unknown): never => {
    throw new LimiterUnavailableError('the reservations cannot be reached', { cause: error });
  };
  return {
    reserve: async (request) => {
      await reservations.reserve(request).catch(unavailable);
      return { outcome: 'admitted' };
    },
    settle: ({ requestId, keyId }) => {
      reservations.settle({ requestId, keyId }).catch((error: unknown) => {
        log.error({ err: error, requestId }, 'a reservation could not be settled and is left to expire');
      });
    },
    state: ({ keyId }) => reservations.state(keyId).catch(unavailable),
  };
}
