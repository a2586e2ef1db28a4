import type { CallLoggedV1 } from '@switchboard/contracts';
import type { Pool } from '@switchboard/platform';
import { storeCalls } from './adapters/call-insert';
import { type BufferedCallLog, CallIntake, type CallIntakeOptions } from './call-intake';
import { countStored, registerStoreMetrics } from './call-metrics';
import type { CallBuffer } from './core/call-buffer';

export interface CallStoreOptions extends CallIntakeOptions {
  pool: Pool;
}

const BATCH_CALLS_MAX = 200;

/** A call log over the database itself, one batch at a time. */
export function createCallStore({ pool, ...options }: CallStoreOptions): BufferedCallLog {
  const metrics = registerStoreMetrics(options.metrics);
  return new CallIntake(options, {
    ...{ callsMax: BATCH_CALLS_MAX, intervalMs: 100, inFlightMax: 1 },
    take: (buffer: CallBuffer): { calls: readonly CallLoggedV1[] } => ({ calls: buffer.take(BATCH_CALLS_MAX) }),
    send: async ({ calls }) => countStored(await storeCalls(pool, calls), calls.length, metrics, options.log),
  });
}
