import type { ProviderStandingV1 } from '@switchboard/contracts';
import { outcomesOf, reportOf, type Seen } from '../__fixtures__/outcomes';
import { type Health, healthyFrom, nextHealth, type ProbeFinding, retryAtMs } from './health';
import { Observations, REFUSED_MS } from './observations';

const UPSTREAM = { provider: 'cloud', model: 'x' };

/** One upstream and what is found of it, on a clock that is turned by hand. */
class Watch {
  nowMs = 100_000;
  health: Health = healthyFrom(0);
  probe: ProbeFinding | undefined;
  private readonly observations = new Observations();

  constructor(readonly firstTokenMs = 100) {
    for (let second = 0; second < 30; second++) {
      this.observations.take(reportOf([{ firstTokensMs: Array<number>(10).fill(firstTokenMs) }]), second * 1000);
    }
  }

  get state(): string {
    return this.health.state;
  }

  /** A second passes, at whose end an edge tells of it. */
  second(seen?: Seen, standing?: Omit<ProviderStandingV1, 'provider'>, edge = 'edge-1'): this {
    this.nowMs += 1_000;
    if (seen !== undefined) {
      const standings = standing === undefined ? [] : [{ provider: 'cloud', ...standing }];
      this.observations.take(reportOf([seen], standings, edge), this.nowMs);
    }
    return this.look();
  }

  seconds(count: number, seen?: Seen): this {
    for (let second = 0; second < count; second++) this.second(seen);
    return this;
  }

  look(): this {
    const { window, usual, parkedUntilMs } = this.observations.upstream(UPSTREAM);
    const account = this.observations.account('cloud');
    const evidence = { window, account, parkedUntilMs, usualFirstTokenMs: usual.firstTokenMs, probe: this.probe };
    this.health = nextHealth(this.health, evidence, this.nowMs);
    return this;
  }

  probed(result: 'passing' | 'failing', inARow = 1): this {
    this.probe = { result, atMs: this.nowMs, inARow };
    return this.look();
  }

  /** Until it is tried. */
  due(): this {
    this.nowMs = retryAtMs(this.health);
    return this.look();
  }
}

const ok = (count: number): Seen => ({ counts: { ok: count } });
const failing = (count: number, okCount = 0): Seen => ({ counts: { failed: count, ok: okCount } });

describe('an upstream opens', () => {
  test('by five failures that are half of what it was asked within five seconds, and says which', () => {
    expect(new Watch().second(failing(4)).state).not.toBe('open');
    expect(new Watch().second(failing(5, 6)).state).not.toBe('open');
    const { health } = new Watch().second({ counts: { failed: 3, timeout: 2, ok: 5, client: 40, limited: 9 } });
    expect(health).toMatchObject({ state: 'open', retryAfterMs: 1_000 });
    expect(health.reason).toBe('5 of 10 calls failed within 5 s (server errors 3, timeouts 2)');
  });

  test.each(['failed', 'timeout', 'connect', 'malformed', 'broken', 'missing'] as const)('by %s', (outcome) => {
    expect(new Watch().second({ counts: { [outcome]: 5 } }).state).toBe('open');
  });

  test('not by what is the fault of requests, or by limits', () => {
    expect(new Watch().seconds(5, { counts: { client: 50, limited: 50 } }).state).toBe('healthy');
  });

  test('not by failures that are further apart', () => {
    expect(new Watch().second(failing(4)).seconds(6).second(failing(1)).state).not.toBe('open');
  });
});

describe('an open upstream', () => {
  const opened = (): Watch => new Watch().second(failing(10));

  test('is tried after a second, twice as long after each trial that failed, up to eight', () => {
    const watch = opened();
    const waits: (number | undefined)[] = [];
    for (let trial = 0; trial < 6; trial++) {
      waits.push(watch.health.retryAfterMs);
      expect(watch.due().state).toBe('half-open');
      watch.second(failing(1));
      expect(watch.state).toBe('open');
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  test('closes after three calls that came through, whatever failed before, and starts over with its waits', () => {
    const watch = opened().due().second(ok(2));
    expect(watch.state).toBe('half-open');
    expect(watch.second(ok(1)).state).toBe('healthy');
    expect(watch.second(ok(1)).state).toBe('healthy');
    expect(watch.health).not.toHaveProperty('reason');
    expect(watch.second(failing(10)).health.retryAfterMs).toBe(1_000);
  });

  test('is half-open until it has been tried, however long that takes', () => {
    expect(opened().due().seconds(60).state).toBe('half-open');
  });

  test('is open again when a trial hangs', () => {
    expect(opened().due().second({ late: 1 }).state).toBe('open');
    expect(
      opened()
        .due()
        .second({ late: 1, counts: { ok: 1 } }).state,
    ).toBe('half-open');
  });

  test('is tried at once when a probe passes, but not by one from before', () => {
    const watch = opened();
    watch.probe = { result: 'passing', atMs: watch.nowMs - 1, inARow: 9 };
    expect(watch.look().state).toBe('open');
    watch.nowMs += 100;
    expect(watch.probed('passing').state).toBe('half-open');
  });
});

describe('an upstream is degraded', () => {
  test('by three failures that are a tenth of what it was asked within ten seconds, until fewer are left for two', () => {
    expect(new Watch().second(failing(2, 2)).state).toBe('healthy');
    expect(new Watch().second(failing(3, 28)).state).toBe('healthy');
    const watch = new Watch().second(failing(3, 27));
    expect(watch.health).toMatchObject({ state: 'degraded', cause: 'failing' });
    expect(watch.health.reason).toContain('3 of 30 calls failed');
    const found = watch.health;
    expect(watch.seconds(8, ok(1)).health).toBe(found);
    watch.seconds(3, ok(1));
    expect(watch.state).toBe('degraded');
    expect(watch.second(ok(1)).state).toBe('healthy');
  });

  test('when more calls turned late than were answered: it hangs, and every call is counted once', () => {
    const watch = new Watch().second({ late: 2 });
    expect(watch.state).toBe('healthy');
    expect(watch.second({ late: 3 }).state).toBe('degraded');
    expect(new Watch().second({ late: 2 }).second({ late: 2 }).state).toBe('healthy');
    expect(new Watch().second({ late: 3, counts: { ok: 3 } }).state).toBe('healthy');
    // Those that hang go on to; calls since are answered.
    expect(watch.seconds(8, { late: 3, counts: { ok: 1 } }).state).toBe('healthy');
  });

  test('when its first tokens take four times as long as usual and half a second more, until but twice as long', () => {
    const slowed = (ms: number): Seen => ({ counts: { ok: 5 }, firstTokensMs: Array<number>(5).fill(ms) });
    expect(new Watch(100).seconds(3, slowed(550)).state).toBe('healthy');
    expect(new Watch(300).seconds(3, slowed(1_000)).state).toBe('healthy');
    const watch = new Watch(100).seconds(3, slowed(2_000));
    expect(watch.health).toMatchObject({ state: 'degraded', cause: 'slow' });
    expect(watch.health.reason).toMatch(/^the first token takes \d+ ms, usually \d+ ms$/);
    expect(watch.seconds(12, slowed(450)).state).toBe('degraded');
    expect(watch.seconds(12, slowed(110)).state).toBe('healthy');
  });

  test('while less than a twentieth of its limit is left, until a tenth is', () => {
    const watch = new Watch().second(ok(1), { quotaLeft: 0.06 });
    expect(watch.state).toBe('healthy');
    expect(watch.second(ok(1), { quotaLeft: 0.04 }).health.reason).toBe('the account has 4 % of its limit left');
    for (let second = 0; second < 5; second++) watch.second(ok(1), { quotaLeft: 0.08 });
    expect(watch.state).toBe('degraded');
    for (let second = 0; second < 5; second++) watch.second(ok(1), { quotaLeft: 0.5 });
    expect(watch.state).toBe('healthy');
  });

  test('when a second probe fails and no call says better; a failing probe alone never opens it', () => {
    const watch = new Watch().probed('failing', 1);
    expect(watch.state).toBe('healthy');
    expect(watch.probed('failing', 2).state).toBe('degraded');
    for (let probe = 3; probe < 30; probe++) watch.second().probed('failing', probe);
    expect(watch.state).toBe('degraded');
    expect(watch.seconds(4, ok(1)).state).toBe('healthy');
  });

  test('until its evidence is older than the window, where nothing more is heard', () => {
    const watch = new Watch().second(failing(4));
    expect(watch.seconds(9).state).toBe('degraded');
    expect(watch.seconds(4).state).toBe('healthy');
  });

  test('and opens when it gets worse', () => {
    expect(new Watch().second(failing(3, 27)).second(failing(40)).state).toBe('open');
  });
});

describe('a provider', () => {
  test('that asked to be left alone is, for so long and no longer, and then served as before', () => {
    const watch = new Watch().second({ counts: { limited: 1 }, parkedForMs: 12_000 });
    expect(watch.health).toMatchObject({ state: 'open', retryAfterMs: 12_000 });
    expect(watch.health.reason).toBe('the provider asked to be left alone for 12 s');
    const found = watch.health;
    watch.second({ counts: {}, parkedForMs: 11_000 });
    expect(watch.probed('passing').health).toBe(found);
    expect(watch.seconds(9).state).toBe('open');
    expect(watch.second().second().state).toBe('healthy');
  });

  test('that asks for longer is told of anew', () => {
    const watch = new Watch().second({ counts: { limited: 1 }, parkedForMs: 2_000 });
    watch.second({ counts: { limited: 1 }, parkedForMs: 5_000 });
    expect(watch.health).toMatchObject({ state: 'open', retryAfterMs: 5_000, sinceMs: watch.nowMs });
  });

  test('that is refused is tried every half minute, until a call is served', () => {
    const watch = new Watch().second({ counts: { account: 1 } }, { refusal: 'payment' });
    expect(watch.health).toMatchObject({ state: 'open', retryAfterMs: REFUSED_MS });
    expect(watch.health.reason).toBe('the provider wants to be paid (402)');
    expect(watch.probed('passing').state).toBe('open');
    expect(watch.due().state).toBe('half-open');
    watch.second({ counts: { account: 1 } }, { refusal: 'payment' });
    expect(watch.health).toMatchObject({ state: 'open', retryAfterMs: REFUSED_MS });
    // An edge that has not tried since says again what it knows.
    watch.due().second({ counts: {} }, { refusal: 'payment' });
    expect(watch.state).toBe('half-open');
    expect(watch.second(ok(1)).state).toBe('healthy');
  });

  test('is not what fails where an edge does not say that it is refused: a model of it may be', () => {
    const watch = new Watch().second({ counts: { account: 6 } });
    expect(watch.health).toMatchObject({ state: 'open', cause: 'failures', retryAfterMs: 1_000 });
    const whole = new Watch().second({ counts: { account: 6 } }, { refusal: 'credential' });
    expect(whole.due().second(ok(1)).state).toBe('healthy');
  });
});

test('what an earlier leader found is gone on from', () => {
  const watch = new Watch();
  const marks = { ok: 0, failed: 0, late: 0 };
  const adopted = { sinceMs: watch.nowMs, evidenceSinceMs: watch.nowMs, marks, reason: 'it failed' };
  watch.health = { ...adopted, state: 'open', retryAfterMs: 4_000 };
  expect(watch.seconds(3).state).toBe('open');
  expect(watch.second().health).toMatchObject({ state: 'half-open', reason: 'tried again: it failed' });
  expect(watch.second(failing(1)).health.retryAfterMs).toBe(8_000);
});

test('calls under way at an edge that is gone are no longer counted', () => {
  const observations = new Observations();
  observations.take(reportOf([{ inFlight: 3, late: 1 }], [], 'a'), 0);
  observations.take(reportOf([{ inFlight: 2 }], [], 'b'), 4_000);
  const upstream = observations.upstream(outcomesOf({}));
  expect(upstream.underWay(4_500)).toEqual({ inFlight: 5, late: 1 });
  expect(upstream.underWay(5_000)).toEqual({ inFlight: 2, late: 0 });
  expect(upstream.underWay(9_000)).toEqual({ inFlight: 0, late: 0 });
});
