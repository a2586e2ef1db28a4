import type { RateStateV1, SettlementV1 } from '@switchboard/contracts';
import type { Redis } from 'ioredis';
import {
  type Reservation,
  RESERVATION_TTL_MS,
  type Reservations,
  type ReservationsSettings,
  SETTLED_TTL_MS,
} from '../core/reservations';
import { RedisScript } from './redis-script';
import { RESERVE_3 } from './reserve-3.lua';
import { SETTLE_2 } from './settle-2.lua';
import { STATE_2 } from './state-2.lua';

/** All that is kept of one key lies in one slot of a cluster: what braces enclose chooses it. */
const redisKeys = {
  reservation: (keyId: string, requestId: string): string => `sb:{${keyId}}:reservation:${requestId}`,
  open: (keyId: string): string => `sb:{${keyId}}:open`,
  minute: (keyId: string): string => `sb:{${keyId}}:minute`,
};

/** Shared by all replicas. One atomic script per operation; what nobody settles expires by itself. */
export class RedisReservations implements Reservations {
  private readonly scripts: { reserve: RedisScript; settle: RedisScript; state: RedisScript };
  private readonly ttlMs: number;
  private readonly now: () => number;

  constructor(redis: Redis, { ttlMs = RESERVATION_TTL_MS, now = Date.now }: ReservationsSettings = {}) {
    this.scripts = {
      reserve: new RedisScript(redis, RESERVE_3),
      settle: new RedisScript(redis, SETTLE_2),
      state: new RedisScript(redis, STATE_2),
    };
    this.ttlMs = ttlMs;
    this.now = now;
  }

  async reserve({ requestId, keyId, tenantId, model, startedAtMs }: Reservation): Promise<'recorded' | 'repeated'> {
    const keys = [redisKeys.reservation(keyId, requestId), redisKeys.open(keyId), redisKeys.minute(keyId)];
    const record = JSON.stringify({ requestId, keyId, tenantId, model, startedAtMs });
    const recorded = await this.scripts.reserve.run(keys, [requestId, record, this.now(), this.ttlMs]);
    return recorded === 1 ? 'recorded' : 'repeated';
  }

  async settle({ requestId, keyId }: Pick<SettlementV1, 'requestId' | 'keyId'>): Promise<'settled' | 'unknown'> {
    const keys = [redisKeys.reservation(keyId, requestId), redisKeys.open(keyId)];
    const settled = await this.scripts.settle.run(keys, [requestId, this.now(), SETTLED_TTL_MS]);
    return settled === 1 ? 'settled' : 'unknown';
  }

  async state(keyId: string): Promise<RateStateV1> {
    const counts = await this.scripts.state.run([redisKeys.open(keyId), redisKeys.minute(keyId)], [this.now()]);
    const [open, requestsThisMinute] = counts as [number, number];
    return { open, requestsThisMinute };
  }
}
