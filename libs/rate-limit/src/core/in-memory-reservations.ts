import type { RateStateV1, SettlementV1 } from '@switchboard/contracts';
import {
  MINUTE_MS,
  type Reservation,
  RESERVATION_TTL_MS,
  type Reservations,
  type ReservationsSettings,
  SETTLED_TTL_MS,
} from './reservations';

/** Of a process that hosts all the services; gone with it, as its calls are. */
export class InMemoryReservations implements Reservations {
  /** By request; all live equally long, so the first is the first to expire. */
  private readonly open = new Map<string, { reservation: Reservation; expiresAtMs: number }>();
  private readonly settled = new Map<string, { expiresAtMs: number }>();
  private readonly openByKey = new Map<string, number>();
  private minute = 0;
  private readonly requestsByKey = new Map<string, number>();
  private readonly ttlMs: number;
  private readonly now: () => number;

  constructor({ ttlMs = RESERVATION_TTL_MS, now = Date.now }: ReservationsSettings = {}) {
    this.ttlMs = ttlMs;
    this.now = now;
  }

  reserve(reservation: Reservation): Promise<'recorded' | 'repeated'> {
    const nowMs = this.expire();
    const { requestId, keyId } = reservation;
    if (this.open.has(requestId) || this.settled.has(requestId)) return Promise.resolve('repeated');
    this.open.set(requestId, { reservation, expiresAtMs: nowMs + this.ttlMs });
    this.openByKey.set(keyId, (this.openByKey.get(keyId) ?? 0) + 1);
    this.requestsByKey.set(keyId, (this.requestsByKey.get(keyId) ?? 0) + 1);
    return Promise.resolve('recorded');
  }

  settle({ requestId }: Pick<SettlementV1, 'requestId' | 'keyId'>): Promise<'settled' | 'unknown'> {
    const nowMs = this.expire();
    if (!this.settled.has(requestId)) this.settled.set(requestId, { expiresAtMs: nowMs + SETTLED_TTL_MS });
    return Promise.resolve(this.remove(requestId) ? 'settled' : 'unknown');
  }

  state(keyId: string): Promise<RateStateV1> {
    this.expire();
    const [open, requestsThisMinute] = [this.openByKey.get(keyId) ?? 0, this.requestsByKey.get(keyId) ?? 0];
    return Promise.resolve({ open, requestsThisMinute });
  }

  private remove(requestId: string): boolean {
    const held = this.open.get(requestId);
    if (held === undefined) return false;
    this.open.delete(requestId);
    const { keyId } = held.reservation;
    const left = (this.openByKey.get(keyId) ?? 1) - 1;
    if (left === 0) this.openByKey.delete(keyId);
    else this.openByKey.set(keyId, left);
    return true;
  }

  /** @returns the time it is. */
  private expire(): number {
    const nowMs = this.now();
    for (const [requestId, { expiresAtMs }] of this.open) {
      if (expiresAtMs > nowMs) break;
      this.remove(requestId);
    }
    for (const [requestId, { expiresAtMs }] of this.settled) {
      if (expiresAtMs > nowMs) break;
      this.settled.delete(requestId);
    }
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.minute) this.requestsByKey.clear();
    this.minute = minute;
    return nowMs;
  }
}
