import type { ExplainRequestV1, ExplanationV1 } from './records';
import type { UpstreamsV1 } from './upstreams-view';
import type { UsageRecordedV1 } from './usage-event';

/** Tokens under which a process binds its adapters: features meet here and never import each other. */
export const USAGE_SINK = Symbol('USAGE_SINK');
export const USAGE_QUERIES = Symbol('USAGE_QUERIES');
export const REFUSED_USAGE = Symbol('REFUSED_USAGE');
export const RECONCILIATIONS = Symbol('RECONCILIATIONS');
export const HEALTH_CHECKS = Symbol('HEALTH_CHECKS');
export const ROUTING_EXPLAINER = Symbol('ROUTING_EXPLAINER');

/** Every given field must match. */
export interface UsageFilter {
  tenantId?: string;
  keyId?: string;
  /** Catalog id. */
  model?: string;
  /** Calls that started at this time or later, milliseconds since the epoch. */
  fromMs?: number;
  /** Calls that started before this time. */
  toMs?: number;
}

export interface UsagePage {
  /** The latest recorded first. */
  records: UsageRecordedV1[];
  /** Opaque; absent on the last page. */
  nextCursor?: string;
}

/** `hour` and `day` are those of UTC, by the start of the call. */
export type UsageGrouping = 'tenant' | 'key' | 'model' | 'upstream' | 'hour' | 'day';

export interface UsageTotal {
  /** A tenant id, a key id, a model id, a provider id, or the start of the hour or day in RFC 3339. */
  group: string;
  requests: bigint;
  inputTokens: bigint;
  cacheReadTokens: bigint;
  cacheWrite5mTokens: bigint;
  cacheWrite1hTokens: bigint;
  outputTokens: bigint;
  reasoningTokens: bigint;
  costNanoUsd: bigint;
}

export interface UsageTotals {
  /** Times: the latest first; others: the most expensive first. */
  totals: UsageTotal[];
  /** Whether there are more groups than the limit let through. */
  truncated: boolean;
}

/** Port: reads what was recorded. Fails with the store's error when the store is away. */
export interface UsageQueries {
  /** @throws InvalidCursorError when `cursor` did not come from an earlier page. */
  list(filter: UsageFilter, page: { limit: number; cursor?: string }): Promise<UsagePage>;
  totals(filter: UsageFilter, groupBy: UsageGrouping, limit: number): Promise<UsageTotals>;
}

/** Something that came as usage and cannot be billed as it is. */
export interface RefusedUsageRecord {
  /** SHA-256 of what the sender wrote, lower-case hex. */
  id: string;
  /** When it was last refused. */
  receivedAtMs: number;
  reason: string;
  /** A record as JSON, or a whole message; `base64:` and its bytes where it is no text. */
  payload: string;
  /** How often it was refused: once, and once for each replay in vain. */
  refusals: number;
  /** It was taken in again at this time, and has not been refused since. */
  replayedAtMs?: number;
  dismissedAtMs?: number;
}

/** `waiting`: for a person to decide. */
export type RefusedUsageState = 'waiting' | 'replayed' | 'dismissed';

/** Port: the dead letters of usage. Fails with the store's error when the store is away. */
export interface RefusedUsage {
  /** The latest first. @throws InvalidCursorError when `cursor` did not come from an earlier page. */
  list(
    filter: { state?: RefusedUsageState },
    page: { limit: number; cursor?: string },
  ): Promise<{ records: RefusedUsageRecord[]; nextCursor?: string }>;
  /** Undefined: there is none. */
  find(id: string): Promise<RefusedUsageRecord | undefined>;
  /**
   * Takes it in again as if it had just come: it is billed, or refused anew, a moment later. Undefined: there is none.
   *
   * @throws BusUnavailableError when it may not have been taken in; again is harmless.
   */
  replay(id: string): Promise<RefusedUsageRecord | undefined>;
  /** It will never be billed. Undefined: there is none. */
  dismiss(id: string): Promise<RefusedUsageRecord | undefined>;
}

/** A rule of the ledger that does not hold somewhere. */
export interface LedgerDifference {
  breach: string;
  /** Where: a transaction with its account, a request, a rollup, a tenant's account. */
  id: string;
  /** Nano-USD, where it is about money. */
  expected: string;
  found: string;
}

/** One comparison of the whole ledger with what it was made of. */
export interface ReconciliationRecord {
  id: string;
  startedAtMs: number;
  finishedAtMs: number;
  balanced: boolean;
  /** All of them; 0: balanced. */
  differenceCount: number;
  /** The first 20. */
  differences: LedgerDifference[];
  /** What was looked at: `usageRows`, `entries`, … */
  counts: Record<string, number>;
  /** What was not stored yet, just before: a Backlog, or in one process `buffered` and `spooled` records. Absent: unknown. */
  stream?: Record<string, number>;
}

/** Port: what reconciliations found. Fails with the store's error when the store is away. */
export interface Reconciliations {
  /** The latest first. @throws InvalidCursorError when `cursor` did not come from an earlier page. */
  list(page: { limit: number; cursor?: string }): Promise<{ records: ReconciliationRecord[]; nextCursor?: string }>;
}

export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';

  constructor() {
    super('the cursor is not one that an earlier page returned');
  }
}

/** One dependency of the process. */
export interface HealthCheck {
  /** Short and lower case: `postgres`. */
  name: string;
  /** Whether the process can do its work without it: then its absence is shown, but takes no traffic away. */
  required: boolean;
  /** Rejects, with a reason fit for an operator, when the dependency is away. */
  check(): Promise<void>;
}

/** Port: why the router would choose what it would. */
export interface RoutingExplainer {
  /** @throws BusUnavailableError or RemoteError when the router does not answer. */
  explain(request: ExplainRequestV1): Promise<ExplanationV1>;
  /** How the upstreams are. @throws BusUnavailableError when no router leads; RemoteError when it could not tell. */
  upstreams(): Promise<UpstreamsV1>;
}
