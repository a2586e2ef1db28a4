import type { UpstreamState } from '@switchboard/contracts';
import { type Degradation, degradationOf } from './degradation';
import type { AccountObservations } from './observations';
import type { OutcomeWindow } from './outcome-window';
import { failuresInWords, refusalInWords, seconds } from './wording';

const OPEN_SECONDS = 5;
const OPEN_FAILED_LEAST = 5;
const OPEN_SHARE = 0.5;
export const RETRY_MS = 1_000;
export const RETRY_MS_MAX = 8_000;
const TRIALS_TO_CLOSE = 3;
/** So long nothing may be wrong with a degraded one. */
const CLEAR_MS = 2_000;
/** A park or a refusal that moved by less is the same one told again. */
const SAME_TIME_MS = 500;

/** What was found of an upstream. Immutable: another finding is another value. Times by a clock that never goes back. */
export interface Health {
  state: UpstreamState;
  /** Of every state but healthy. */
  reason?: string;
  /** `account`: the provider said so, of this model's limit or of the account, with all its models. Absent: of an earlier leader, or healthy. */
  cause?: 'account' | 'failures' | Degradation['kind'];
  sinceMs: number;
  /** Of open: from `sinceMs` until it is tried; of half-open: of the opening before. */
  retryAfterMs?: number;
  /** What came before, and in the same second, counts no more; -Infinity: everything does. */
  evidenceSinceMs: number;
  /** Totals of the window at `sinceMs`. */
  marks: OutcomeWindow['totals'];
  /** Of degraded: since when nothing is wrong. */
  clearSinceMs?: number;
}

export interface ProbeFinding {
  result: 'passing' | 'failing';
  atMs: number;
  /** How often in a row, this time included. */
  inARow: number;
}

export interface Evidence {
  window: OutcomeWindow;
  /** Until then it asked to be left alone. */
  parkedUntilMs: number;
  account: AccountObservations;
  usualFirstTokenMs: number | undefined;
  probe: ProbeFinding | undefined;
}

export function healthyFrom(nowMs: number): Health {
  return { state: 'healthy', sinceMs: nowMs, evidenceSinceMs: -Infinity, marks: { ok: 0, failed: 0, late: 0 } };
}

/** @returns `health` itself where it stays. */
export function nextHealth(health: Health, evidence: Evidence, nowMs: number): Health {
  const byAccount = healthByAccount(health, evidence, nowMs);
  if (byAccount !== undefined) return byAccount;
  if (health.cause === 'account') return closed(evidence, nowMs, nowMs);
  switch (health.state) {
    case 'open':
      return isDue(health, evidence, nowMs) ? halfOpened(health, evidence, nowMs) : health;
    case 'half-open':
      return afterTrials(health, evidence, nowMs);
    case 'healthy':
    case 'degraded':
      return afterCalls(health, evidence, nowMs);
  }
}

/** From when on an open one is tried. */
export function retryAtMs({ sinceMs, retryAfterMs = RETRY_MS }: Health): number {
  return sinceMs + retryAfterMs;
}

/** Undefined: nothing is wrong with the account, and it did not ask to be left alone. */
function healthByAccount(
  health: Health,
  { account, parkedUntilMs, window }: Evidence,
  nowMs: number,
): Health | undefined {
  const { refusal } = account;
  const isRefused = refusal !== undefined && nowMs < account.retryAtMs;
  const untilMs = Math.max(isRefused ? account.retryAtMs : -Infinity, parkedUntilMs);
  const found = { cause: 'account' as const, sinceMs: nowMs, evidenceSinceMs: nowMs, marks: { ...window.totals } };
  if (nowMs < untilMs) {
    const isSame = health.cause === 'account' && health.state === 'open' && untilMs - retryAtMs(health) < SAME_TIME_MS;
    if (isSame) return health;
    const retryAfterMs = untilMs - nowMs;
    const reason = isRefused
      ? refusalInWords(refusal)
      : `the provider asked to be left alone for ${seconds(retryAfterMs)}`;
    return { ...found, state: 'open', reason, retryAfterMs };
  }
  if (refusal === undefined) return undefined;
  if (health.cause === 'account' && health.state === 'half-open') return health;
  return { ...found, state: 'half-open', reason: `tried again: ${refusalInWords(refusal)}` };
}

/** A probe that passes says that it can be reached again, and a call is to find out the rest. */
function isDue(health: Health, { probe }: Evidence, nowMs: number): boolean {
  return nowMs >= retryAtMs(health) || (probe?.result === 'passing' && probe.atMs > health.sinceMs);
}

function afterTrials(health: Health, evidence: Evidence, nowMs: number): Health {
  const { totals } = evidence.window;
  const { marks, sinceMs } = health;
  const ok = totals.ok - marks.ok;
  if (totals.failed > marks.failed) return opened(health, evidence, { nowMs, reason: 'it failed when it was tried' });
  if (totals.late > marks.late && ok === 0) {
    return opened(health, evidence, { nowMs, reason: 'it did not answer in time when it was tried' });
  }
  return ok >= TRIALS_TO_CLOSE ? closed(evidence, nowMs, sinceMs) : health;
}

function afterCalls(health: Health, evidence: Evidence, nowMs: number): Health {
  const sum = evidence.window.sum(nowMs, OPEN_SECONDS, health.evidenceSinceMs);
  if (sum.failed >= OPEN_FAILED_LEAST && sum.failed >= OPEN_SHARE * (sum.ok + sum.failed)) {
    return opened(health, evidence, { nowMs, reason: failuresInWords(sum, OPEN_SECONDS) });
  }
  const isDegraded = health.state === 'degraded';
  const { evidenceSinceMs } = health;
  const degradation = degradationOf(evidence, { nowMs, sinceMs: evidenceSinceMs, isDegraded });
  if (degradation !== undefined) {
    if (isDegraded && degradation.kind === health.cause) return stillDegraded(health);
    const marks = { ...evidence.window.totals };
    const { kind: cause, reason } = degradation;
    return { state: 'degraded', cause, reason, sinceMs: nowMs, evidenceSinceMs, marks };
  }
  if (!isDegraded) return health;
  if (health.clearSinceMs === undefined) return { ...health, clearSinceMs: nowMs };
  return nowMs - health.clearSinceMs >= CLEAR_MS ? closed(evidence, nowMs, evidenceSinceMs) : health;
}

function stillDegraded(health: Health): Health {
  if (health.clearSinceMs === undefined) return health;
  const { clearSinceMs: _, ...rest } = health;
  return rest;
}

function opened(before: Health, { window }: Evidence, { nowMs, reason }: { nowMs: number; reason: string }): Health {
  const { retryAfterMs: lastMs } = before;
  const retryAfterMs = lastMs === undefined ? RETRY_MS : Math.min(RETRY_MS_MAX, Math.max(RETRY_MS, 2 * lastMs));
  const marks = { ...window.totals };
  return { state: 'open', cause: 'failures', reason, sinceMs: nowMs, retryAfterMs, evidenceSinceMs: nowMs, marks };
}

function halfOpened(health: Health, { window }: Evidence, nowMs: number): Health {
  const { reason = 'it failed', retryAfterMs = RETRY_MS } = health;
  const marks = { ...window.totals };
  const found = { cause: 'failures' as const, sinceMs: nowMs, evidenceSinceMs: nowMs, marks };
  return { ...found, state: 'half-open', reason: `tried again: ${reason}`, retryAfterMs };
}

function closed({ window }: Evidence, nowMs: number, evidenceSinceMs: number): Health {
  return { state: 'healthy', sinceMs: nowMs, evidenceSinceMs, marks: { ...window.totals } };
}
