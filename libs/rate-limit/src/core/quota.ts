import type {
  Budget,
  ExtensionReply,
  ExtensionRequest,
  KeepingOutcome,
  NanoUsd,
  RateStateRequestV2,
  RateStateV2,
  ReservationReply,
  ReservationRequest,
  ReservedScope,
  ScopeBudget,
  Settlement,
} from '@switchboard/contracts';

/** For so long a settled request is remembered, so that a second settlement, or a reservation that comes late, is none. */
export const SETTLED_TTL_MS = 5 * 60_000;
/** For so long an expired reservation is remembered: a settlement that comes late still puts the money right. */
export const ORPHAN_TTL_MS = 24 * 3_600_000;
/** A replica that took an expired reservation and did not report it recorded is taken for dead after this. */
export const ORPHAN_CLAIM_MS = 30_000;
/** What to wait for where only the end of other calls helps, and when that is nobody knows. */
export const WAIT_FOR_OTHERS_MS = 1_000;

export interface BudgetName {
  group: string;
  scope: string;
  id: ScopeBudget['id'];
}

/** A budget whose spending the store does not know: it is to be read from the ledger, and told with `prime`. */
export interface UnknownSpending extends BudgetName {
  period: Budget['period'];
  /** 0 for `total`. */
  periodStartMs: number;
}

export interface Unprimed {
  outcome: 'unprimed';
  budgets: UnknownSpending[];
}

/** What a reservation holds. */
export interface Held {
  outputTokens: number;
  nanoUsd: NanoUsd;
}

/** A reservation that nobody settled or renewed in time. Its money counts as spent. */
export interface Orphan {
  request: ReservationRequest;
  held: Held;
}

export type Reserved = { requestId: string; group: string; scopes: ReservedScope[] };

/**
 * Port: what calls take of rates, concurrency and money, in groups. Every operation is one atomic step over all scopes
 * of a group, whatever the number of replicas, and may be repeated: a request counts once however often it is reserved or
 * settled. Rejects with the store's error when the store is away.
 *
 * Rates are token buckets: `limit` per minute, at most `limit` at once, refilled continuously. Money is
 * `spent + held ≤ budget`, always; the spending of a period begins with what `prime` tells, since the ledger outlives
 * this store, and a period that begins while its budget is known begins with nothing spent.
 */
export interface Quota {
  reserve(request: ReservationRequest): Promise<ReservationReply | Unprimed>;
  extend(request: ExtensionRequest): Promise<ExtensionReply | { outcome: KeepingOutcome }>;
  /**
   * Gives back what was not used. `orphaned`: it had expired, and the money was put right. `unknown` remembers the request
   * as settled where nothing was spent; else nothing has changed.
   */
  settle(settlement: Settlement): Promise<KeepingOutcome>;
  /** Keeps a reservation from expiring. */
  renew(reserved: Reserved): Promise<KeepingOutcome>;
  /** Puts back a reservation the store has lost, room or not. Of one it knows nothing changes. */
  restore(request: ReservationRequest, held: Held): Promise<void>;
  state(request: RateStateRequestV2): Promise<RateStateV2>;
  /** Tells what was spent in a period, without what is held; ignored where it is known. */
  prime(budget: UnknownSpending, spentNanoUsd: NanoUsd): Promise<void>;
  /** Turns what is due into orphans; also gives those again that were not reported recorded. */
  expire(group: string): Promise<Orphan[]>;
  /** Its usage record is stored: it will not be given again. */
  orphanRecorded(group: string, requestId: string): Promise<void>;
  /** Every group that may hold reservations. */
  groups(): Promise<string[]>;
}

export interface QuotaSettings {
  /** How long a reservation lives without being renewed. */
  leaseMs: number;
  /** Milliseconds since the epoch; absent: the store's own clock. */
  now?: () => number;
}
