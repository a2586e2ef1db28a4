import {
  type ExtensionReply,
  type Ledger,
  type Limiter,
  type LimiterStep,
  type LimiterStepReply,
  LimiterUnavailableError,
  type ReservationReply,
} from '@switchboard/contracts';
import type { Metrics } from '@switchboard/platform';
import type { Quota } from './core/quota';
import { LimiterSteps } from './limiter-steps';
import { PrimedQuota } from './primed-quota';
import { registerQuotaMetrics } from './quota-metrics';
import type { ReserveTracing } from './reserve-spans';
import { timedLedger } from './timed-ledger';

export interface LocalLimiterOptions {
  quota: Quota;
  ledger: Ledger;
  metrics: Metrics;
  /** Absent: nothing is traced. */
  tracing?: ReserveTracing | undefined;
}

/** The limiter of a process that keeps the quota itself. */
export function createLocalLimiter({ quota, ledger, metrics, tracing }: LocalLimiterOptions): Limiter {
  const quotaMetrics = registerQuotaMetrics(metrics);
  const timed = timedLedger(ledger, quotaMetrics.ledgerReadings);
  const primed = new PrimedQuota({ quota, ledger: timed, recalled: () => Promise.resolve() });
  const steps = new LimiterSteps({ quota, primed, metrics: quotaMetrics, tracing });
  const perform = async (step: LimiterStep): Promise<LimiterStepReply> => {
    const reply = await steps.perform(step);
    if (reply.outcome === 'unavailable') throw new LimiterUnavailableError(reply.message);
    return reply;
  };
  return {
    reserve: async (request, traceparent) =>
      (await perform({ do: 'reserve', request, traceparent })) as ReservationReply,
    extend: async (request) => {
      const reply = await perform({ do: 'extend', request });
      if (reply.outcome !== 'granted' && reply.outcome !== 'denied') {
        throw new LimiterUnavailableError(`the reservation is ${reply.outcome}`);
      }
      return reply as ExtensionReply;
    },
    settle: (settlement) => void steps.perform({ do: 'settle', settlement }),
    state: (request) => quota.state(request),
  };
}
