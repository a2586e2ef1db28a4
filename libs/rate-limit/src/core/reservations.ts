import type { RateStateV1, ReservationRequestV1, SettlementV1 } from '@switchboard/contracts';

/** A reservation nobody settles vanishes after this: longer than the longest call (an hour) may take. */
export const RESERVATION_TTL_MS = 70 * 60_000;
/** For so long a settled request is remembered, so that a reservation that arrives after its settlement stays settled. */
export const SETTLED_TTL_MS = 2 * 60_000;
export const MINUTE_MS = 60_000;

/** What a reservation is counted by and remembered with. */
export type Reservation = Pick<ReservationRequestV1, 'requestId' | 'keyId' | 'tenantId' | 'model' | 'startedAtMs'>;

/**
 * Port: the open reservations. Every operation is atomic across replicas and may be repeated: a request counts once
 * however often it is reserved or settled. Rejects with the store's error when the store is away.
 */
export interface Reservations {
  /** `repeated`: it was there already, or is settled already. */
  reserve(reservation: Reservation): Promise<'recorded' | 'repeated'>;
  /** `unknown`: none was open; it expired, was settled already, or never was. */
  settle(settlement: Pick<SettlementV1, 'requestId' | 'keyId'>): Promise<'settled' | 'unknown'>;
  state(keyId: string): Promise<RateStateV1>;
}

export interface ReservationsSettings {
  ttlMs?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
}
