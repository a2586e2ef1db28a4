import type { RankedUpstreamV2 } from '@switchboard/contracts';
import { AccountHealth } from './account-health';
import { UpstreamHealth } from './upstream-health';

let account: AccountHealth;
let health: UpstreamHealth;
beforeEach(() => {
  account = new AccountHealth();
  health = new UpstreamHealth(account);
});

const found = (changes: Partial<RankedUpstreamV2>): RankedUpstreamV2 => ({
  ...{ provider: 'one', model: 'm', state: 'healthy', stateVersion: 1, weight: 1 },
  ...changes,
});
const fail = (outcome: Parameters<UpstreamHealth['failed']>[0], nowMs: number, more = {}) =>
  health.failed(outcome, { startedMs: nowMs, nowMs, ...more });

describe('the account', () => {
  test('429 parks the model it was said of, for as long as it asked: limits are by model', () => {
    const sibling = new UpstreamHealth(account);
    fail('limited', 0, { retryAfterMs: 7_000 });
    expect([health, sibling].map((each) => each.standing(6_999))).toEqual(['open', 'healthy']);
    expect(health.closedForMs(1_000)).toBe(6_000);
    expect(health.standing(7_000)).toBe('half-open');
    health.answered(6_990, 7_010, true);
    expect(health.standing(7_011)).toBe('half-open');
    health.answered(7_020, 7_030, true);
    expect(health.standing(7_031)).toBe('healthy');
  });

  test('401 refuses it at once, and one trial each half minute finds out whether it still does', () => {
    fail('account', 0, { status: 401 });
    expect(account.refusal).toBe('credential');
    expect(health.standing(29_999)).toBe('open');
    expect(health.standing(30_000)).toBe('half-open');
    expect(health.takeTrial('half-open', 30_000)).toBe(true);
    expect(health.takeTrial('half-open', 30_001)).toBe(false);
    fail('account', 30_002, { status: 401 });
    expect(health.standing(60_001)).toBe('open');
    health.answered(60_010, 60_020, true);
    expect(health.standing(60_021)).toBe('healthy');
    expect(account.refusal).toBeUndefined();
  });

  test('403 may be about what one client sent: only three in a row refuse the account', () => {
    for (const nowMs of [0, 1]) fail('account', nowMs, { status: 403 });
    health.answered(2, 3, true);
    for (const nowMs of [4, 5]) fail('account', nowMs, { status: 403 });
    expect(health.standing(6)).toBe('healthy');
    fail('account', 7, { status: 403 });
    expect(health.standing(8)).toBe('open');
  });

  test('402 says that somebody has to pay', () => {
    fail('account', 0, { status: 402 });
    expect(account.refusal).toBe('payment');
  });
});

describe('what the router found', () => {
  test('closes an upstream that this process has not used, for as long as it said; then a trial', () => {
    health.hear(found({ state: 'open', retryAfterMs: 2_000 }), 100);
    expect(health.standing(2_099)).toBe('open');
    expect(health.standing(2_100)).toBe('half-open');
  });

  test('is overruled by a call that came through since', () => {
    health.answered(50, 60, true);
    health.hear(found({ state: 'open', retryAfterMs: 2_000 }), 100);
    expect(health.standing(101)).toBe('open');
    health.answered(200, 210, true);
    expect(health.standing(211)).toBe('healthy');
    health.hear(found({ state: 'open', retryAfterMs: 2_000, weight: 2 }), 300);
    expect(health.standing(301)).toBe('healthy');
    health.hear(found({ state: 'open', stateVersion: 2, retryAfterMs: 2_000 }), 400);
    expect(health.standing(401)).toBe('open');
    health.hear(undefined, 500);
    expect(health.standing(501)).toBe('healthy');
  });
});

describe('latency', () => {
  const answers = (tookMs: number, count: number, fromMs: number, everyMs = 10) => {
    for (let index = 0; index < count; index++) {
      const endMs = fromMs + index * everyMs;
      health.answered(endMs - tookMs, endMs, true);
    }
    return fromMs + count * everyMs;
  };

  test('twenty times slower is degraded within some answers, and usual again within some', () => {
    let nowMs = answers(100, 200, 1_000);
    expect(health.standing(nowMs)).toBe('healthy');
    nowMs = answers(2_000, 5, nowMs);
    expect(health.standing(nowMs)).toBe('degraded');
    nowMs = answers(100, 8, nowMs, 500);
    expect(health.standing(nowMs)).toBe('healthy');
  });

  test('what is not used is not measured: an old figure gives way to the usual one', () => {
    let nowMs = answers(100, 200, 1_000);
    nowMs = answers(2_000, 20, nowMs);
    expect(health.standing(nowMs + 5_000)).toBe('degraded');
    expect(health.standing(nowMs + 20_000)).toBe('healthy');
  });

  test('a degraded one is tried twice a second', () => {
    expect([0, 100, 499, 500, 900, 1_000].map((nowMs) => health.takeTrial('degraded', nowMs))).toEqual([
      ...[true, false, false, true, false, true],
    ]);
  });

  test('one that does not answer at all comes after all others, and is tried by one call at a time', () => {
    for (const startedMs of [10, 20, 30]) health.breaker.noticeLate(startedMs);
    expect(health.standing(2_000)).toBe('half-open');
    expect([2_000, 2_500, 6_999, 7_000].map((nowMs) => health.takeTrial('half-open', nowMs))).toEqual([
      ...[true, false, false, true],
    ]);
    health.answered(7_000, 7_100, true);
    expect(health.standing(7_101)).toBe('healthy');
  });

  test('a call is late after four times what is usual, a second at least, and of the unknown after ten', () => {
    expect(health.isLate(9_000, true)).toBe(false);
    expect(health.isLate(10_001, true)).toBe(true);
    answers(600, 200, 1_000);
    expect(health.isLate(2_300, true)).toBe(false);
    expect(health.isLate(2_500, true)).toBe(true);
    expect(health.isLate(2_500, false)).toBe(false);
  });
});

test('a whole reply is given up on only where nothing else is answered either', () => {
  expect(health.isSilentSince(10)).toBe(false);
  for (const nowMs of [20, 21]) fail('timeout', nowMs);
  expect(health.isSilentSince(10)).toBe(true);
  health.answered(30, 31, true);
  expect(health.isSilentSince(10)).toBe(false);
});
