import {
  type Bus,
  decodeJson,
  encodeJson,
  type RateStateRequestV1,
  type ReservationReplyV1,
  type ReservationRequestV1,
  type SettlementV1,
  SUBJECTS,
} from '@switchboard/contracts';
import type { Logger, Metrics } from '@switchboard/platform';
import type { Reservations } from './core/reservations';
import { measureReservations } from './measured-reservations';

const GROUP = 'rate-limit';

export interface RateLimitOptions {
  bus: Bus;
  reservations: Reservations;
  log: Logger;
  metrics: Metrics;
}

/** The limiter on the bus, without Nest. */
export interface RateLimit {
  /** Answers and settles what it has in hand. The bus and the store stay open. */
  close(): Promise<void>;
}

/**
 * Answers reservations and hears settlements. Any number of replicas may: one of them answers a reservation, all of them
 * hear a settlement and the first one counts. Without its store it fails every request at once.
 */
export function createRateLimit({ bus, reservations, log, metrics }: RateLimitOptions): RateLimit {
  const measured = measureReservations(reservations, metrics);
  const settlements = new Settlements(measured, log);
  const subscriptions = [
    bus.serve(SUBJECTS.reserve, GROUP, async (payload) => {
      await measured.reserve(readReservation(payload));
      return encodeJson({ outcome: 'admitted' } satisfies ReservationReplyV1);
    }),
    bus.serve(SUBJECTS.rateState, GROUP, async (payload) => {
      const { keyId } = decodeJson<RateStateRequestV1>(payload);
      return encodeJson(await measured.state(checkText('keyId', keyId)));
    }),
    bus.subscribe(SUBJECTS.settle, (payload) => settlements.take(decodeJson<SettlementV1>(payload))),
  ];
  return {
    close: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
      await settlements.ended();
    },
  };
}

/** The sender does not wait, so those under way and their failures are kept track of here. */
class Settlements {
  private readonly underWay = new Set<Promise<void>>();
  private failing = false;

  constructor(
    private readonly reservations: Reservations,
    private readonly log: Logger,
  ) {}

  take(settlement: SettlementV1): void {
    const work = this.settle(settlement).finally(() => this.underWay.delete(work));
    this.underWay.add(work);
  }

  async ended(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private async settle({ requestId, keyId }: SettlementV1): Promise<void> {
    try {
      await this.reservations.settle({
        requestId: checkText('requestId', requestId),
        keyId: checkText('keyId', keyId),
      });
      if (this.failing) this.log.info('reservations are settled again');
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.log.warn({ err: error }, 'reservations cannot be settled and are left to expire');
      this.failing = true;
    }
  }
}

function readReservation(payload: Uint8Array): ReservationRequestV1 {
  const request = decodeJson<ReservationRequestV1>(payload);
  checkText('requestId', request.requestId);
  checkText('keyId', request.keyId);
  return request;
}

function checkText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${name} must be given`);
  return value;
}
