import type { Budget, Limits } from './keys';
import type { NanoUsd } from './money';

export const LIMITER = Symbol('LIMITER');

/** What bounds a call: the key's own limits and its tenant's; both apply. */
export interface ReservationRequestV1 {
  requestId: string;
  keyId: string;
  tenantId: string;
  /** Catalog id, or the routing name where no model is chosen yet. */
  model: string;
  key: Bounds;
  tenant: Bounds;
  startedAtMs: number;
}

export interface Bounds {
  limits: Limits;
  budget?: Budget;
}

/** Grows a `denied` reply when limits are enforced. */
export type ReservationReplyV1 = { outcome: 'admitted' };

export interface SettlementV1 {
  requestId: string;
  keyId: string;
  tenantId: string;
  costNanoUsd: NanoUsd;
  inputTokens: number;
  outputTokens: number;
}

export interface RateStateRequestV1 {
  keyId: string;
}

export interface RateStateV1 {
  /** Calls admitted and not yet settled. */
  open: number;
  /** Calls admitted in the current minute (UTC). */
  requestsThisMinute: number;
}

/**
 * Port: admits a call before it spends. The reservation is durable before `reserve` resolves, and vanishes by itself if
 * nobody settles it.
 */
export interface Limiter {
  /** @throws LimiterUnavailableError when nobody could decide. */
  reserve(request: ReservationRequestV1): Promise<ReservationReplyV1>;
  /** Returns at once; a settlement that gets lost expires with its reservation. */
  settle(settlement: SettlementV1): void;
  /** @throws LimiterUnavailableError */
  state(request: RateStateRequestV1): Promise<RateStateV1>;
}

/** The limiter, or what it stores in, is away. */
export class LimiterUnavailableError extends Error {
  override readonly name = 'LimiterUnavailableError';
}

/** Whether a call of this key has anything to reserve. */
export function isBounded({ limits, budget }: Bounds): boolean {
  if (budget !== undefined) return true;
  return (
    limits.rpm !== undefined ||
    limits.itpm !== undefined ||
    limits.otpm !== undefined ||
    limits.concurrency !== undefined
  );
}
