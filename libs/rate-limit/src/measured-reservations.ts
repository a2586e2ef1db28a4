import type { Counter, Histogram, Metrics } from '@switchboard/platform';
import { RESERVATION_TTL_MS, type Reservations } from './core/reservations';

/** The same reservations, each operation counted and timed in `metrics`. Once per registry. */
export function measureReservations(reservations: Reservations, metrics: Metrics): Reservations {
  const own = new OwnReservations();
  const { reserved, settled, seconds } = register(metrics, own);
  const timed = async <T>(operation: string, work: Promise<T>): Promise<T> => {
    const stop = seconds.startTimer({ operation });
    return work.finally(() => void stop());
  };
  return {
    reserve: async (reservation) => {
      const outcome = await counted(reserved, timed('reserve', reservations.reserve(reservation)));
      if (outcome === 'recorded') own.add(reservation.requestId);
      return outcome;
    },
    settle: (settlement) => {
      own.delete(settlement.requestId);
      return counted(settled, timed('settle', reservations.settle(settlement)));
    },
    state: (keyId) => timed('state', reservations.state(keyId)),
  };
}

/** Every replica hears of every settlement, so what all of them hold of their own adds up to what is open. */
class OwnReservations {
  private readonly expiresAtMs = new Map<string, number>();

  add(requestId: string): void {
    this.expiresAtMs.set(requestId, Date.now() + RESERVATION_TTL_MS);
    this.expire();
  }

  delete(requestId: string): void {
    this.expiresAtMs.delete(requestId);
  }

  get size(): number {
    this.expire();
    return this.expiresAtMs.size;
  }

  private expire(): void {
    const nowMs = Date.now();
    for (const [requestId, expiresAtMs] of this.expiresAtMs) {
      if (expiresAtMs > nowMs) return;
      this.expiresAtMs.delete(requestId);
    }
  }
}

async function counted<T extends string>(counter: Counter<'outcome'>, work: Promise<T>): Promise<T> {
  try {
    const outcome = await work;
    counter.inc({ outcome });
    return outcome;
  } catch (error) {
    counter.inc({ outcome: 'failed' });
    throw error;
  }
}

interface ReservationMetrics {
  reserved: Counter<'outcome'>;
  settled: Counter<'outcome'>;
  seconds: Histogram<'operation'>;
}

function register(metrics: Metrics, own: OwnReservations): ReservationMetrics {
  metrics.gauge({
    name: 'rate_limit_open_reservations',
    help: 'Reservations this process recorded that are neither settled nor expired; all replicas together: what is open.',
    collect() {
      this.set(own.size);
    },
  });
  return {
    reserved: metrics.counter<'outcome'>({
      name: 'rate_limit_reservations_total',
      help: 'Reservations asked for: recorded, repeated (known already), failed (the store is away).',
      labelNames: ['outcome'],
    }),
    settled: metrics.counter<'outcome'>({
      name: 'rate_limit_settlements_total',
      help: 'Settlements heard: settled, unknown (expired, or settled by another replica), failed (the store is away).',
      labelNames: ['outcome'],
    }),
    seconds: metrics.histogram<'operation'>({
      name: 'rate_limit_store_seconds',
      help: 'Time the store of reservations took for an operation, failures included.',
      labelNames: ['operation'],
      buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    }),
  };
}
