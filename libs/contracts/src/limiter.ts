import type { Budget, KeyRecord, Limits, Tenant } from './keys';
import type { NanoUsd } from './money';
import type { UsageRecordedV1 } from './usage-event';

export const LIMITER = Symbol('LIMITER');

/** Limits of a key or a tenant, and `tpm` (input and output together) of a provider's account. All per minute. */
export interface ScopeLimits extends Limits {
  tpm?: number;
}

export interface ScopeBudget extends Budget {
  /** `credits`: what a tenant paid in advance, with the period `total`. */
  id: 'budget' | 'credits';
}

/** One of those a call is counted against, by name: `key:<id>`, `tenant:<id>`, `provider:<id>`. */
export interface ScopeBounds {
  scope: string;
  limits: ScopeLimits;
  budgets: ScopeBudget[];
}

/** What a call may take at most. It also counts as one request, and as one open call until it is settled. */
export interface Amounts {
  inputTokens: number;
  /** `most` is asked for; where less is left, as much as there is, but never less than `least`. */
  outputTokens: { least: number; most: number };
  nanoUsd: NanoUsd;
}

/** The usage record that a call becomes if nobody settles it. */
export type ReservationIntent = Pick<
  UsageRecordedV1,
  | 'tenantId'
  | 'keyId'
  | 'requestedModel'
  | 'model'
  | 'upstream'
  | 'clientDialect'
  | 'upstreamDialect'
  | 'stream'
  | 'priceVersion'
>;

export interface ReservationRequest {
  requestId: string;
  /** What is kept together and decided in one step: `tenant:<id>` with all its keys, or `provider:<id>`. */
  group: string;
  scopes: readonly ScopeBounds[];
  amounts: Amounts;
  startedAtMs: number;
  /** Absent: an expired reservation leaves no record. */
  intent?: ReservationIntent;
}

/** A bound as it stands after the reply that tells it. */
export interface RateState {
  /** Per minute. */
  limit: number;
  remaining: number;
  /** Until `remaining` is `limit` again, if nothing more is taken. */
  resetMs: number;
}

/** Of several scopes with the same limit the one with the least left. Absent: unlimited. */
export interface RateStates {
  requests?: RateState;
  inputTokens?: RateState;
  outputTokens?: RateState;
  tokens?: RateState;
}

/**
 * `budget`, `credits`: what is left does not pay for the call, even if all open calls turn out to cost nothing.
 * `held`: it may, once open calls are settled.
 */
export const DENIAL_REASONS = [
  'requests',
  'inputTokens',
  'outputTokens',
  'tokens',
  'concurrency',
  'budget',
  'credits',
  'held',
] as const;

export type DenialReason = (typeof DENIAL_REASONS)[number];

export interface BudgetState extends ScopeBudget {
  spentNanoUsd: NanoUsd;
  /** Set aside for open calls. */
  heldNanoUsd: NanoUsd;
  /** Start of the current period; 0 for `total`. */
  periodStartMs: number;
}

export interface Denial {
  outcome: 'denied';
  scope: string;
  reason: DenialReason;
  /** From when on the same call would find room, if nothing else is taken; absent: waiting does not help. */
  retryAfterMs?: number;
  /** The limit it met: per minute, calls at once. Absent with budgets. */
  limit?: number;
  /** The budget it met. */
  budget?: BudgetState;
  rates: RateStates;
}

export interface Grant {
  outcome: 'granted';
  /** Between `least` and `most`. */
  outputTokens: number;
  rates: RateStates;
}

export type ReservationReply = Grant | Denial;

/** Names of what a call was reserved in. */
export interface ReservedScope {
  scope: string;
  budgets: ScopeBudget['id'][];
}

/** Names of what a call is reserved in, in the order in which it is. */
export function reservedScopes(scopes: readonly ScopeBounds[]): ReservedScope[] {
  return scopes.map(({ scope, budgets }) => ({ scope, budgets: budgets.map(({ id }) => id) }));
}

/** What a call came to. */
export interface Settlement {
  requestId: string;
  group: string;
  scopes: ReservedScope[];
  nanoUsd: NanoUsd;
  /** Cached ones included. */
  inputTokens: number;
  outputTokens: number;
}

/** More money for an open call that turns out to cost more than was set aside for it. */
export interface ExtensionRequest {
  requestId: string;
  group: string;
  scopes: ReservedScope[];
  nanoUsd: NanoUsd;
}

export type ExtensionReply =
  { outcome: 'granted' } | { outcome: 'denied'; reason: 'budget' | 'credits'; scope: string };

/**
 * `unknown`: nobody holds that reservation any more (it is settled, or was lost with the store); `orphaned`: it expired
 * and was charged as reserved, which a settlement still puts right.
 */
export type KeepingOutcome = 'done' | 'unknown' | 'orphaned';

/** One step of several that travel together; answered in the same order. */
export type LimiterStep =
  /** With `mayPend`: where it would have to wait for the ledger, the answer is `pending`. `traceparent`: as of the port. */
  | { do: 'reserve'; request: ReservationRequest; mayPend?: true; traceparent?: string | undefined }
  | { do: 'extend'; request: ExtensionRequest }
  /** With `request`: the reservation was lost, and is put back first. */
  | { do: 'settle'; settlement: Settlement; request?: ReservationRequest; outputTokens?: number; heldNanoUsd?: NanoUsd }
  | { do: 'renew'; requestId: string; group: string; scopes: ReservedScope[] }
  /** Puts back what the store lost, without asking whether there is room. */
  | { do: 'restore'; request: ReservationRequest; outputTokens: number; heldNanoUsd: NanoUsd };

export type LimiterStepReply =
  | ReservationReply
  | ExtensionReply
  | { outcome: KeepingOutcome }
  /** The ledger is being read; nothing came of the step, which is to be asked again, alone. */
  | { outcome: 'pending' }
  /** Nobody could decide. `message` is for the log; `untried`: nothing can have come of it. */
  | { outcome: 'unavailable'; message: string; untried?: true };

/** Of one edge, in one message. */
export interface LimiterBatchV2 {
  steps: LimiterStep[];
}

export interface LimiterBatchReplyV2 {
  replies: LimiterStepReply[];
  /** How long a reservation lives without being renewed. */
  leaseMs: number;
}

export interface RateStateRequestV2 {
  group: string;
  scopes: readonly ScopeBounds[];
}

export interface ScopeState {
  scope: string;
  rates: RateStates;
  /** Calls admitted and not yet settled. */
  open: number;
  concurrencyLimit?: number;
  /** Those whose spending the limiter knows; others are read from the ledger when the next call asks. */
  budgets: BudgetState[];
}

export interface RateStateV2 {
  scopes: ScopeState[];
}

/**
 * Port: admits a call before it spends. The reservation is durable before `reserve` resolves. It is kept while this
 * process lives; what nobody settles expires some time after and is charged as reserved.
 */
export interface Limiter {
  /**
   * `traceparent` (W3C): the span that asks, of a call whose trace is kept.
   *
   * @throws LimiterUnavailableError when nobody could decide.
   */
  reserve(request: ReservationRequest, traceparent?: string): Promise<ReservationReply>;
  /** @throws LimiterUnavailableError */
  extend(request: ExtensionRequest): Promise<ExtensionReply>;
  /** Returns at once; it is tried until it is taken. Every granted reservation is settled once. */
  settle(settlement: Settlement): void;
  /** @throws LimiterUnavailableError */
  state(request: RateStateRequestV2): Promise<RateStateV2>;
}

/** The limiter, or what it stores in, is away. */
export class LimiterUnavailableError extends Error {
  override readonly name = 'LimiterUnavailableError';
}

export const scopeName = {
  key: (id: string): string => `key:${id}`,
  tenant: (id: string): string => `tenant:${id}`,
  provider: (id: string): string => `provider:${id}`,
};

/** When the period that holds `atMs` began, in UTC; weeks begin on Monday. 0 for `total`. */
export function periodStartMs(period: Budget['period'], atMs: number): number {
  const at = new Date(atMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (period) {
    case 'total':
      return 0;
    case 'day':
      return Date.UTC(year, month, day);
    case 'week':
      return Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7));
    case 'month':
      return Date.UTC(year, month, 1);
  }
}

/** When the period that began at `startMs` ends; undefined for `total`. */
export function periodEndMs(period: Budget['period'], startMs: number): number | undefined {
  const start = new Date(startMs);
  switch (period) {
    case 'total':
      return undefined;
    case 'day':
      return startMs + 86_400_000;
    case 'week':
      return startMs + 7 * 86_400_000;
    case 'month':
      return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
  }
}

/** Whether a call of this key or tenant has anything to reserve. */
export function isBounded({ limits, budget }: { limits: Limits; budget?: Budget | undefined }): boolean {
  if (budget !== undefined) return true;
  return (
    limits.rpm !== undefined ||
    limits.itpm !== undefined ||
    limits.otpm !== undefined ||
    limits.concurrency !== undefined
  );
}

type BoundedKey = Pick<KeyRecord, 'id' | 'limits' | 'budget'>;

/** What a call is counted against: its key, then its tenant, of these the ones that bound anything. */
export function boundsOf(tenant: Tenant, key?: BoundedKey): ScopeBounds[] {
  const scopes = [...(key === undefined ? [] : [keyBounds(key)]), tenantBounds(tenant)];
  return scopes.filter(({ limits, budgets }) => isBounded({ limits, budget: budgets[0] }));
}

export function keyBounds({ id, limits, budget }: BoundedKey): ScopeBounds {
  return { scope: scopeName.key(id), limits, budgets: budget === undefined ? [] : [{ id: 'budget', ...budget }] };
}

/** Its budget, and what it paid in advance as one more. */
export function tenantBounds({ id, limits, budget, creditsNanoUsd }: Tenant): ScopeBounds {
  const budgets: ScopeBudget[] = budget === undefined ? [] : [{ id: 'budget', ...budget }];
  if (creditsNanoUsd !== undefined) budgets.push({ id: 'credits', nanoUsd: creditsNanoUsd, period: 'total' });
  return { scope: scopeName.tenant(id), limits, budgets };
}
