import type { Outcome } from '../chaos/reply-verdict';
import { percentile, shareOf, steadyAfterMs, type Mark } from './moves';

/** One request of a client, and what came of it. Moments are milliseconds of one monotonic clock. */
export interface ClientCall {
  dueMs: number;
  /** From when it was due to the first byte of the reply's body; absent: none came. */
  firstByteAfterMs?: number;
  endedAfterMs: number;
  /** 0 where no status line came. */
  status: number;
  outcome: Outcome;
  /** What went wrong. */
  detail: string;
  /** The provider that served it; absent where the gateway does not say. */
  upstream?: string;
  /** Calls to upstreams, as the gateway says; absent where it does not. */
  attempts?: number;
  /** The body of an error status. */
  errorBody?: string;
}

/** [healthyFromMs, faultAtMs): nothing is wrong; [faultAtMs, healedAtMs): the fault; [healedAtMs, endedAtMs): it is over. */
export interface Phases {
  healthyFromMs: number;
  faultAtMs: number;
  healedAtMs: number;
  endedAtMs: number;
}

/** Which streams may break after their first byte: where an upstream dies or sends nonsense, nobody can mend them. */
export type MayBreak = 'none' | 'under-way' | 'any';

/** One fault, as it went. */
export interface Trial {
  fault: string;
  phases: Phases;
  /** The provider that fails; absent: both do. */
  faulty?: string;
  mayBreak: MayBreak;
  /** Model requests that both upstreams saw from `faultAtMs` to `endedAtMs`; of one that was killed or hung, those it could. */
  received: number;
}

export interface Targets {
  /** Of upstream requests beyond one per client request. */
  extraShareMost: number;
  movedMsMost: number;
  backMsMost: number;
  /** Until a client has its error, where no upstream is left. */
  answerMsMost: number;
}

export interface FaultFigures {
  fault: string;
  requests: number;
  errorsBeforeFirstByte: number;
  brokenMidStream: number;
  extraShare: number;
  healthy: Latency;
  inFault: Latency;
  /** Of the failing upstream, of new requests before the fault. */
  shareBefore: number;
  movedAfterMs: number | undefined;
  backAfterMs: number | undefined;
  told: Told;
  violations: string[];
}

/** How often each error was told, and each way a reply broke. */
export type Told = Readonly<Record<string, number>>;

/** To the first byte, from when a request was due; undefined where nothing was answered. */
export interface Latency {
  p50Ms: number | undefined;
  p99Ms: number | undefined;
}

export interface OutageFigures {
  fault: string;
  /** During the outage. */
  requests: number;
  errors: number;
  /** To the end of the answer, whatever it is. */
  answer: Latency & { mostMs: number | undefined };
  /** The same of those due once the gateway had `movedMsMost` to notice. */
  noticedP99Ms: number | undefined;
  upstreamPerRequest: number;
  recoveredAfterMs: number | undefined;
  told: Told;
  errorBody: string | undefined;
  violations: string[];
}

const MOVED = { windowMs: 500, holds: (share: number): boolean => share < 0.05 };
const BACK = { windowMs: 1_000, holds: (share: number): boolean => share >= 0.25 };
const RECOVERED = { windowMs: 1_000, holds: (share: number): boolean => share >= 0.99 };
/** Deadlines are looked at four times a second, and then an error has to be told. */
const DEADLINE_SLACK_MS = 500;

/** One upstream of two fails. */
export function evaluateFault(calls: readonly ClientCall[], trial: Trial, targets: Targets): FaultFigures {
  const { phases, faulty = '', fault } = trial;
  const mine = dueWithin(calls, phases.healthyFromMs, phases.endedAtMs);
  const marks = mine.map((call) => ({ atMs: call.dueMs, counts: wasSentTo(faulty, call) }));
  const figures = {
    fault,
    requests: mine.length,
    errorsBeforeFirstByte: mine.filter(failedBeforeFirstByte).length,
    brokenMidStream: mine.filter(brokeMidStream).length,
    extraShare: upstreamPerRequest(dueWithin(mine, phases.faultAtMs, phases.endedAtMs), trial.received) - 1,
    healthy: latencyOf(dueWithin(mine, phases.healthyFromMs, phases.faultAtMs)),
    inFault: latencyOf(dueWithin(mine, phases.faultAtMs, phases.healedAtMs)),
    shareBefore: shareOf(marks, phases.healthyFromMs, phases.faultAtMs),
    movedAfterMs: steadyAfterMs(marks, phases.faultAtMs, phases.healedAtMs, MOVED),
    backAfterMs: steadyAfterMs(marks, phases.healedAtMs, phases.endedAtMs, BACK),
    told: toldBy(mine),
  };
  return { ...figures, violations: faultViolations(figures, mine, trial, targets) };
}

/** No upstream is left, then both are back. */
export function evaluateOutage(calls: readonly ClientCall[], trial: Trial, targets: Targets): OutageFigures {
  const { phases, fault } = trial;
  const during = dueWithin(calls, phases.faultAtMs, phases.healedAtMs);
  const both = dueWithin(calls, phases.faultAtMs, phases.endedAtMs);
  const errors = during.filter(({ status }) => status !== 200);
  const took = (some: readonly ClientCall[]): number[] => some.map(({ endedAfterMs }) => endedAfterMs);
  const noticed = dueWithin(during, phases.faultAtMs + targets.movedMsMost, phases.healedAtMs);
  const successes: Mark[] = both.map(({ dueMs, outcome }) => ({ atMs: dueMs, counts: outcome === 'whole' }));
  const figures = {
    fault,
    requests: during.length,
    errors: errors.length,
    answer: { ...percentilesOf(took(during)), mostMs: percentile(took(during), 1) },
    noticedP99Ms: percentile(took(noticed), 0.99),
    upstreamPerRequest: upstreamPerRequest(both, trial.received),
    recoveredAfterMs: steadyAfterMs(successes, phases.healedAtMs, phases.endedAtMs, RECOVERED),
    ...{ told: toldBy(during), errorBody: errors.find(({ errorBody }) => errorBody !== undefined)?.errorBody },
  };
  return { ...figures, violations: outageViolations(figures, both, trial, targets) };
}

export function failedBeforeFirstByte({ outcome, status, upstream }: ClientCall): boolean {
  // A head that was sent while nobody had answered names no upstream.
  return outcome !== 'whole' && (status !== 200 || upstream === undefined);
}

export function brokeMidStream(call: ClientCall): boolean {
  return call.outcome !== 'whole' && !failedBeforeFirstByte(call);
}

/** Whether a call went to the provider first: of two, it did where the other one served it only after another call. */
function wasSentTo(provider: string, { upstream, attempts }: ClientCall): boolean {
  if (upstream === undefined) return attempts !== 0;
  return upstream === provider ? attempts === 1 : (attempts ?? 1) > 1;
}

/** As many as the gateway tells its clients of, or as the upstreams saw, whichever is more. */
function upstreamPerRequest(calls: readonly ClientCall[], received: number): number {
  if (calls.length === 0) return 1;
  const told = calls.reduce((sum, { attempts = 1 }) => sum + attempts, 0);
  return Math.max(told, received) / calls.length;
}

function faultViolations(
  figures: Omit<FaultFigures, 'violations'>,
  calls: readonly ClientCall[],
  { phases, mayBreak }: Trial,
  targets: Targets,
): string[] {
  const { errorsBeforeFirstByte, extraShare, movedAfterMs, backAfterMs } = figures;
  const broken = calls.filter((call) => brokeMidStream(call) && !isExcused(call, mayBreak, phases.faultAtMs));
  return [
    ...when(errorsBeforeFirstByte > 0, `${errorsBeforeFirstByte} errors before the first byte`),
    ...when(broken.length > 0, `${broken.length} replies broken for no reason`),
    ...cutReplies(calls),
    ...when(extraShare > targets.extraShareMost, `${percent(extraShare)} extra upstream requests`),
    ...tooLate('moved', movedAfterMs, phases.healedAtMs - phases.faultAtMs, targets.movedMsMost),
    ...tooLate('back', backAfterMs, phases.endedAtMs - phases.healedAtMs, targets.backMsMost),
  ];
}

function outageViolations(
  figures: Omit<OutageFigures, 'violations'>,
  calls: readonly ClientCall[],
  { phases }: Trial,
  targets: Targets,
): string[] {
  const { answer, noticedP99Ms = 0, recoveredAfterMs } = figures;
  // Before it is known, each of the two may be waited for once.
  const mostMs = 2 * (targets.answerMsMost + DEADLINE_SLACK_MS);
  const unclear = calls.filter(({ status, outcome }) => status !== 200 && outcome !== 'refused').length;
  return [
    ...when(noticedP99Ms > targets.answerMsMost + DEADLINE_SLACK_MS, `p99 of answers ${seconds(noticedP99Ms)}`),
    ...when((answer.mostMs ?? 0) > mostMs, `an answer took ${seconds(answer.mostMs ?? 0)}`),
    ...when(unclear > 0, `${unclear} calls ended without an error of their dialect`),
    ...cutReplies(calls),
    ...when(
      figures.upstreamPerRequest > 1 + targets.extraShareMost,
      `${figures.upstreamPerRequest.toFixed(2)} upstream requests per request`,
    ),
    ...tooLate('recovered', recoveredAfterMs, phases.endedAtMs - phases.healedAtMs, targets.backMsMost),
  ];
}

function isExcused({ dueMs }: ClientCall, mayBreak: MayBreak, faultAtMs: number): boolean {
  return mayBreak === 'any' || (mayBreak === 'under-way' && dueMs < faultAtMs);
}

function cutReplies(calls: readonly ClientCall[]): string[] {
  const cut = calls.filter(({ outcome }) => outcome === 'cut').length;
  return when(cut > 0, `${cut} replies looked complete and were not`);
}

/** A run too short to see it does not say it failed. */
function tooLate(what: string, afterMs: number | undefined, watchedMs: number, mostMs: number): string[] {
  if (afterMs === undefined) return when(watchedMs > mostMs, `not ${what} within ${seconds(watchedMs)}`);
  return when(afterMs > mostMs, `${what} only after ${seconds(afterMs)}`);
}

function toldBy(calls: readonly ClientCall[]): Told {
  const told: Record<string, number> = {};
  for (const { outcome, detail } of calls) {
    if (outcome === 'whole') continue;
    // Not every dialect has a code.
    const error = `${outcome}: ${detail.replaceAll('  ', ' ')}`;
    told[error] = (told[error] ?? 0) + 1;
  }
  return told;
}

function when(is: boolean, violation: string): string[] {
  return is ? [violation] : [];
}

function dueWithin(calls: readonly ClientCall[], fromMs: number, toMs: number): ClientCall[] {
  return calls.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs);
}

function latencyOf(calls: readonly ClientCall[]): Latency {
  return percentilesOf(
    calls.flatMap(({ outcome, firstByteAfterMs }) =>
      outcome === 'whole' && firstByteAfterMs !== undefined ? [firstByteAfterMs] : [],
    ),
  );
}

function percentilesOf(values: readonly number[]): Latency {
  return { p50Ms: percentile(values, 0.5), p99Ms: percentile(values, 0.99) };
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
