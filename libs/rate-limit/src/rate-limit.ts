import {
  type Bus,
  decodeJson,
  encodeJson,
  type Ledger,
  type LimiterBatchReplyV2,
  type LimiterBatchV2,
  type RateStateRequestV2,
  SUBJECTS,
} from '@switchboard/contracts';
import type { Logger, Metrics } from '@switchboard/platform';
import type { Quota } from './core/quota';
import { LimiterSteps } from './limiter-steps';
import { OrphanSweeper } from './orphan-sweeper';
import { PrimedQuota } from './primed-quota';
import { registerQuotaMetrics } from './quota-metrics';
import { Recall } from './recall';
import type { ReserveTracing } from './reserve-spans';
import { timedLedger } from './timed-ledger';

const GROUP = 'rate-limit';
/** For so long a replica that starts leaves all steps to others while it has no store; then it refuses its share. */
const STORE_AWAITED_MS = 1_000;

export interface RateLimitOptions {
  bus: Bus;
  quota: Quota;
  ledger: Ledger;
  /** As of the quota. */
  leaseMs: number;
  /** Tells when the store was (re)connected, and which life of it that is; absent: it is always there. */
  store?: { onConnected(listener: () => void): void; current(): string };
  log: Logger;
  metrics: Metrics;
  /** Absent: nothing is traced. */
  tracing?: ReserveTracing | undefined;
}

/** The limiter on the bus, without Nest. */
export interface RateLimit {
  /** Ends what it has in hand. The bus and the store stay open. */
  close(): Promise<void>;
}

/**
 * Answers steps of edges. Any number of replicas may: all they know is in the store. Without its store it refuses every
 * step at once.
 */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { bus, quota, ledger, leaseMs, store, log, metrics, tracing } = options;
  const quotaMetrics = registerQuotaMetrics(metrics);
  const recall = new Recall(bus);
  const sweeper = new OrphanSweeper({ quota, bus, leaseMs, log, metrics: quotaMetrics });
  const recalled = async (): Promise<void> => recall.done(store?.current() ?? '');
  // Ahead of the first call that needs it, which asks again where this was too early.
  const recallEarly = (): void => void recalled().catch(() => undefined);
  const primed = new PrimedQuota({ quota, ledger: timedLedger(ledger, quotaMetrics.ledgerReadings), recalled });
  const steps = new LimiterSteps({ quota, primed, metrics: quotaMetrics, tracing });
  store?.onConnected(() => {
    sweeper.reconnected();
    recallEarly();
  });
  sweeper.start();
  const subscriptions = [bus.onConnected(recallEarly)];
  const serving = onceThere(store, () => {
    subscriptions.push(
      bus.serve(SUBJECTS.limiterBatch, GROUP, async (payload) => {
        const batch = decodeJson<LimiterBatchV2>(payload);
        if (!Array.isArray(batch.steps)) throw new Error('steps must be an array');
        const replies = await Promise.all(batch.steps.map((step) => steps.perform(step)));
        return encodeJson({ replies, leaseMs } satisfies LimiterBatchReplyV2);
      }),
      bus.serve(SUBJECTS.rateState, GROUP, async (payload) =>
        encodeJson(await quota.state(decodeJson<RateStateRequestV2>(payload))),
      ),
    );
  });
  return {
    close: async () => {
      serving.callOff();
      await Promise.all([...subscriptions.map((subscription) => subscription.stop()), sweeper.stop()]);
    },
  };
}

/** Calls `start` once: at the store's first connection, or after a while without one. */
function onceThere(store: RateLimitOptions['store'], start: () => void): { callOff(): void } {
  let over = false;
  const timer = setTimeout(() => startNow(), STORE_AWAITED_MS);
  const callOff = (): void => {
    over = true;
    clearTimeout(timer);
  };
  const startNow = (): void => {
    if (over) return;
    callOff();
    start();
  };
  if (store === undefined) startNow();
  else store.onConnected(startNow);
  return { callOff };
}
