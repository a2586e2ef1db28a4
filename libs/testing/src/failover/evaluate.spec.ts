import { evaluateFault, evaluateOutage, type ClientCall, type Trial } from './evaluate';

const TARGETS = { extraShareMost: 0.1, movedMsMost: 2_000, backMsMost: 15_000, answerMsMost: 2_000 };

const SERVED: Omit<ClientCall, 'dueMs'> = {
  ...{ firstByteAfterMs: 50, endedAfterMs: 200, status: 200, outcome: 'whole', detail: '' },
  ...{ upstream: 'two', attempts: 1 },
};
const REFUSED: Omit<ClientCall, 'dueMs'> = {
  ...{ endedAfterMs: 20, status: 502, outcome: 'refused', detail: '502', errorBody: '{"type":"error"}', attempts: 0 },
};

/** Every 10 ms over all phases. */
function calls(callAt: (dueMs: number, index: number) => Omit<ClientCall, 'dueMs'>): ClientCall[] {
  return Array.from({ length: 4_500 }, (_, index) => ({ dueMs: index * 10, ...callAt(index * 10, index) }));
}

const TRIAL: Trial = {
  ...{ fault: 'killed', faulty: 'one', mayBreak: 'under-way', received: 0 },
  phases: { healthyFromMs: 0, faultAtMs: 10_000, healedAtMs: 25_000, endedAtMs: 45_000 },
};
const OUTAGE: Trial = { ...TRIAL, fault: 'both-killed', faulty: undefined };

/** Half to each; the failing one is found out after a second and tried again two seconds after its recovery. */
function wellRouted(dueMs: number, index: number): Omit<ClientCall, 'dueMs'> {
  if (index % 2 === 0 || (dueMs >= 11_000 && dueMs < 27_000)) return SERVED;
  if (dueMs >= 10_000 && dueMs < 11_000) return { ...SERVED, attempts: 2, firstByteAfterMs: 60 };
  return { ...SERVED, upstream: 'one' };
}

/** `wellRouted`, but for the call that was due at `dueMs`. */
const butAt = (atMs: number, call: Partial<ClientCall>): ClientCall[] =>
  calls((dueMs, index) => ({ ...wellRouted(dueMs, index), ...(dueMs === atMs && call) }));

describe('one of two fails', () => {
  it('is all right where no client notices', () => {
    const figures = evaluateFault(calls(wellRouted), TRIAL, TARGETS);
    expect(figures).toMatchObject({
      ...{ requests: 4_500, errorsBeforeFirstByte: 0, brokenMidStream: 0, shareBefore: 0.5, violations: [] },
      ...{ healthy: { p50Ms: 50, p99Ms: 50 }, inFault: { p50Ms: 50, p99Ms: 60 } },
      // Windows that are as good as over are over.
      ...{ movedAfterMs: 1_000, backAfterMs: 1_500 },
    });
    expect(figures.extraShare).toBeCloseTo(50 / 3_500);
  });

  it.each<[string, Partial<ClientCall>, RegExp]>([
    ['an error status', { status: 502, outcome: 'refused', upstream: undefined }, /^1 errors before the first byte$/],
    ['no reply at all', { status: 0, outcome: 'broken', upstream: undefined }, /^1 errors before the first byte$/],
    ['an error after a head that named nobody', { outcome: 'failed', upstream: undefined }, /before the first byte$/],
    ['a stream that broke', { outcome: 'failed' }, /^1 replies broken for no reason$/],
    ['a reply that looks whole and is not', { outcome: 'cut' }, /looked complete and were not$/],
  ])('is not where a client has %s', (_what, call, violation) => {
    const { violations } = evaluateFault(butAt(15_000, call), TRIAL, TARGETS);
    expect(violations).toContainEqual(expect.stringMatching(violation));
  });

  it('excuses streams that were under way when their upstream was killed, and all where that is what the fault is', () => {
    const underWay = butAt(9_990, { outcome: 'broken' });
    expect(evaluateFault(underWay, TRIAL, TARGETS)).toMatchObject({ brokenMidStream: 1, violations: [] });
    expect(evaluateFault(underWay, { ...TRIAL, mayBreak: 'none' }, TARGETS).violations).toHaveLength(1);
    const later = butAt(15_010, { outcome: 'failed' });
    expect(evaluateFault(later, { ...TRIAL, mayBreak: 'any' }, TARGETS).violations).toEqual([]);
  });

  it('counts the upstream requests that clients are not told of', () => {
    const figures = evaluateFault(calls(wellRouted), { ...TRIAL, received: 4_200 }, TARGETS);
    expect(figures.extraShare).toBeCloseTo(0.2);
    expect(figures.violations).toEqual(['20.0 % extra upstream requests']);
  });

  it('wants traffic to move and to come back in time', () => {
    const stubborn = calls((_dueMs, index) => (index % 2 === 0 ? SERVED : { ...SERVED, upstream: 'one' }));
    expect(evaluateFault(stubborn, TRIAL, TARGETS).violations).toEqual(['not moved within 15.0 s']);
    const wary = calls((dueMs, index) => (dueMs < 10_000 ? wellRouted(dueMs, index) : SERVED));
    expect(evaluateFault(wary, TRIAL, TARGETS).violations).toEqual(['not back within 20.0 s']);
    const slow = calls((dueMs, index) => wellRouted(dueMs < 25_000 ? dueMs : Math.max(25_000, dueMs - 15_000), index));
    expect(evaluateFault(slow, TRIAL, TARGETS).violations).toEqual(['back only after 16.5 s']);
  });

  it.each<[string, Partial<ClientCall>, number | undefined]>([
    ['was served by it after the other', { upstream: 'one', attempts: 2 }, 0],
    ['was refused before anybody was asked', { ...REFUSED, upstream: undefined, attempts: 0 }, 0],
    ['failed, and nobody says who was asked', { ...REFUSED, upstream: undefined, attempts: 1 }, undefined],
  ])('knows where a request went first that %s', (_what, call, movedAfterMs) => {
    const all = calls(() => ({ ...SERVED, ...call }));
    expect(evaluateFault(all, TRIAL, TARGETS).movedAfterMs).toBe(movedAfterMs);
  });

  it('does not hold against a short run what it could not see', () => {
    const phases = { ...TRIAL.phases, endedAtMs: 26_000 };
    expect(evaluateFault(calls(wellRouted), { ...TRIAL, phases }, TARGETS)).toMatchObject({
      ...{ backAfterMs: undefined, violations: [] },
    });
  });
});

describe('both fail', () => {
  const away = (dueMs: number): boolean => dueMs >= 10_000 && dueMs < 27_000;

  it('is all right where every client is soon told so, and the upstreams are left alone', () => {
    const told = calls((dueMs) => (away(dueMs) ? REFUSED : SERVED));
    expect(evaluateOutage(told, OUTAGE, TARGETS)).toMatchObject({
      ...{ requests: 1_500, errors: 1_500, answer: { p50Ms: 20, p99Ms: 20, mostMs: 20 }, recoveredAfterMs: 2_000 },
      ...{ told: { 'refused: 502': 1_500 }, errorBody: '{"type":"error"}', violations: [] },
    });
  });

  it.each<[string, (dueMs: number) => Partial<ClientCall>, string]>([
    ['waits', () => ({ endedAfterMs: 4_000 }), 'p99 of answers 4.0 s'],
    [
      'waits for long, if only at first',
      (dueMs) => ({ endedAfterMs: dueMs < 10_500 ? 9_000 : 20 }),
      'an answer took 9.0 s',
    ],
    ['has no clear error', () => ({ outcome: 'broken' }), '1700 calls ended without an error of their dialect'],
    ['is tried twice', () => ({ attempts: 4 }), '2.46 upstream requests per request'],
  ])('is not where a client %s', (_what, change, violation) => {
    const told = calls((dueMs) => (away(dueMs) ? { ...REFUSED, ...change(dueMs) } : SERVED));
    expect(evaluateOutage(told, OUTAGE, TARGETS).violations).toEqual([violation]);
  });

  it('is not where nobody is served again', () => {
    const gone = calls((dueMs) => (dueMs >= 10_000 ? REFUSED : SERVED));
    expect(evaluateOutage(gone, OUTAGE, TARGETS).violations).toEqual(['not recovered within 20.0 s']);
  });
});
