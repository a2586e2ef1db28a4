import type { Evidence } from './health';
import { WINDOW_SECONDS } from './outcome-window';
import { failuresInWords, milliseconds } from './wording';

/** From where on an upstream is degraded, and to where it has to come back. */
const FAILED = { enter: { least: 3, share: 0.1 }, stay: { least: 2, share: 0.05 } };
const SLOW = {
  enter: { seconds: 3, samplesLeast: 5, times: 4, ms: 500 },
  stay: { seconds: 5, samplesLeast: 1, times: 2, ms: 250 },
};
const LATE = { enter: { seconds: 2, least: 3 }, stay: { seconds: 5, least: 1 } };
const QUOTA_LEFT = { enter: 0.05, stay: 0.1 };
const PROBES_IN_A_ROW = 2;

export interface Degradation {
  kind: 'failing' | 'late' | 'slow' | 'quota' | 'probe';
  /** In words. */
  reason: string;
}

interface Moment {
  nowMs: number;
  /** What came before counts no more. */
  sinceMs: number;
  isDegraded: boolean;
}

/** What is wrong with an upstream that serves all the same; the weightiest only. Undefined: nothing. */
export function degradationOf(evidence: Evidence, moment: Moment): Degradation | undefined {
  return (
    failing(evidence, moment) ??
    late(evidence, moment) ??
    slow(evidence, moment) ??
    nearlyUsedUp(evidence, moment) ??
    unreachable(evidence, moment)
  );
}

function failing({ window }: Evidence, { nowMs, sinceMs, isDegraded }: Moment): Degradation | undefined {
  const { least, share } = isDegraded ? FAILED.stay : FAILED.enter;
  const sum = window.sum(nowMs, WINDOW_SECONDS, sinceMs);
  if (sum.failed < least || sum.failed < share * (sum.ok + sum.failed)) return undefined;
  return { kind: 'failing', reason: failuresInWords(sum, WINDOW_SECONDS) };
}

/** More calls turned late than were answered: it hangs. */
function late({ window }: Evidence, { nowMs, sinceMs, isDegraded }: Moment): Degradation | undefined {
  const { seconds, least } = isDegraded ? LATE.stay : LATE.enter;
  const sum = window.sum(nowMs, seconds, sinceMs);
  if (sum.late < least || sum.late <= sum.ok) return undefined;
  return { kind: 'late', reason: `${sum.late} calls wait far longer than is usual, ${sum.ok} were answered` };
}

function slow(evidence: Evidence, { nowMs, sinceMs, isDegraded }: Moment): Degradation | undefined {
  const { window, usualFirstTokenMs } = evidence;
  if (usualFirstTokenMs === undefined) return undefined;
  const { times, ms, ...within } = isDegraded ? SLOW.stay : SLOW.enter;
  const median =
    window.medianFirstTokenMs(nowMs, { ...within, sinceMs }) ??
    window.medianFirstTokenMs(nowMs, { ...within, seconds: WINDOW_SECONDS, sinceMs });
  if (median === undefined || median < times * usualFirstTokenMs || median < usualFirstTokenMs + ms) return undefined;
  const reason = `the first token takes ${milliseconds(median)}, usually ${milliseconds(usualFirstTokenMs)}`;
  return { kind: 'slow', reason };
}

function nearlyUsedUp({ account }: Evidence, { nowMs, isDegraded }: Moment): Degradation | undefined {
  const left = account.quotaLeft(nowMs);
  if (left === undefined || left >= (isDegraded ? QUOTA_LEFT.stay : QUOTA_LEFT.enter)) return undefined;
  return { kind: 'quota', reason: `the account has ${Math.round(left * 100)} % of its limit left` };
}

/** The router's network is not that of the edges: calls that come through are the better witness. */
function unreachable({ probe, window }: Evidence, { nowMs }: Moment): Degradation | undefined {
  if (probe?.result !== 'failing' || probe.inARow < PROBES_IN_A_ROW) return undefined;
  if (window.sum(nowMs, WINDOW_SECONDS).ok > 0) return undefined;
  return { kind: 'probe', reason: 'the router cannot reach it' };
}
