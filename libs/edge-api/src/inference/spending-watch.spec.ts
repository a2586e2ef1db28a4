import { costNanoUsd, type Prices } from '@switchboard/contracts';
import { emptyUsage, type Usage } from '@switchboard/protocol';
import { RecordingLimiter } from '../__fixtures__/edge';
import { Reservation } from './reservation';
import { SpendingWatch } from './spending-watch';

/** 3 and 15 USD per million tokens. */
const PRICES: Prices = {
  ...{ input: 3_000_000, output: 15_000_000, cacheRead: 300_000, cacheWrite5m: 3_750_000, cacheWrite1h: 6_000_000 },
};
const [INPUT, OUTPUT] = [3_000, 15_000];
/** Of one step: 512 output tokens. */
const STEP = 512 * OUTPUT;

/** Set aside for: 1,000 input tokens, which may turn out to be more, and 2,000 output tokens. */
const [INPUT_MOST, OUTPUT_MOST] = [1_000, 2_000];
const HELD = INPUT_MOST * INPUT + OUTPUT_MOST * OUTPUT;

const answers = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function watched(prices = PRICES, held = HELD) {
  const limiter = new RecordingLimiter();
  let answered = 0;
  const amounts = { inputTokens: 300, outputTokens: { least: OUTPUT_MOST, most: OUTPUT_MOST }, nanoUsd: held };
  const reservation = new Reservation(limiter, {
    request: {
      ...{ requestId: 'req_1', group: 'tenant:t', amounts, startedAtMs: 0 },
      scopes: [{ scope: 'key:k', limits: {}, budgets: [{ id: 'budget', nanoUsd: 1e12, period: 'day' }] }],
    },
    worst: { amounts, outputTokens: OUTPUT_MOST, inputTokensMost: INPUT_MOST },
    scopes: [{ scope: 'key:k', budgets: ['budget'] }],
    ...{ outputTokens: OUTPUT_MOST, headers: {} },
  });
  const watch = new SpendingWatch(reservation, prices, () => answered++);
  return { limiter, reservation, watch, answered: () => answered };
}

/** What a reply came to so far. `usage` absent: the upstream has not told any. */
const reply = (outputBytes: number, usage?: Partial<Usage>) => ({
  outputBytes,
  usage: usage && { ...emptyUsage(), ...usage },
});

describe('a reply that keeps to what was expected', () => {
  it('is never asked for, whatever of it came', () => {
    const { watch, limiter } = watched();
    for (const outputBytes of [0, 4_000, 8_000, OUTPUT_MOST * 8]) {
      expect(watch.check(reply(outputBytes))).toBe('fine');
      expect(watch.check(reply(outputBytes, { inputTokens: INPUT_MOST, outputTokens: 1 }))).toBe('fine');
    }
    expect(watch.check(reply(0, { inputTokens: INPUT_MOST, outputTokens: OUTPUT_MOST }))).toBe('fine');
    expect(limiter.extended).toHaveLength(0);
  });

  it('is fine to the end where its input was cheaper than set aside for, though it wrote more than it should', () => {
    const { watch, limiter } = watched();
    expect(watch.check(reply(0, { inputTokens: 100, outputTokens: OUTPUT_MOST + 100 }))).toBe('fine');
    expect(limiter.extended).toHaveLength(0);
  });
});

describe('a reply whose input is dearer than what was set aside for it', () => {
  const dear = (outputBytes: number) => reply(outputBytes, { inputTokens: 5_000, outputTokens: 1 });
  /** Output tokens that the money is enough for. */
  const paid = (HELD - 5_000 * INPUT) / OUTPUT;

  it('goes on unasked until nine tenths of the money are used', () => {
    const { watch, limiter } = watched();
    expect(watch.check(dear(0.8 * paid * 4))).toBe('fine');
    expect(limiter.extended).toHaveLength(0);
  });

  it('then asks for one step, once, and goes on meanwhile', async () => {
    const { watch, limiter, reservation, answered } = watched();
    for (let bytes = 0.95 * paid * 4; bytes < 0.98 * paid * 4; bytes += 20) {
      expect(watch.check(dear(bytes))).toBe('fine');
    }
    expect(limiter.extended).toEqual([
      {
        ...{ requestId: 'req_1', group: 'tenant:t', nanoUsd: STEP },
        scopes: [{ scope: 'key:k', budgets: ['budget'] }],
      },
    ]);
    await answers();
    expect([reservation.heldNanoUsd, answered()]).toEqual([HELD + STEP, 1]);
  });

  it('waits where all the money is used before the answer has come, and then goes on', async () => {
    const { watch } = watched();
    expect(watch.check(dear(1.01 * paid * 4))).toBe('wait');
    expect(watch.check(dear(1.01 * paid * 4))).toBe('wait');
    await answers();
    expect(watch.check(dear(1.01 * paid * 4))).toBe('fine');
  });

  it('asks for step after step, until the whole of it is paid for', async () => {
    const { watch, limiter, reservation } = watched();
    for (let tokens = 0; tokens <= OUTPUT_MOST; tokens += 10) {
      while (watch.check(dear(tokens * 4)) === 'wait') await answers();
      await answers();
    }
    const whole = 5_000 * INPUT + OUTPUT_MOST * OUTPUT;
    expect(reservation.heldNanoUsd).toBeGreaterThanOrEqual(whole);
    expect(reservation.heldNanoUsd).toBeLessThan(whole + STEP);
    expect(limiter.extended.length).toBe(Math.ceil((whole - HELD) / STEP));
  });

  it('stops where there is no more, once all of the money is used and no sooner', async () => {
    const { watch, limiter } = watched();
    limiter.extensionsMost = 0;
    expect(watch.check(dear(0.95 * paid * 4))).toBe('fine');
    await answers();
    expect(watch.check(dear(0.99 * paid * 4))).toBe('fine');
    expect(watch.check(dear(1.01 * paid * 4))).toBe('stop');
    expect(limiter.extended).toHaveLength(1);
  });

  it('stops where nobody can tell whether there is more', async () => {
    const { watch, limiter } = watched();
    limiter.away = true;
    expect(watch.check(dear(1.01 * paid * 4))).toBe('wait');
    await answers();
    expect(watch.check(dear(1.01 * paid * 4))).toBe('stop');
  });

  it('is asked for in steps of input where the output is free', async () => {
    const free = { ...PRICES, output: 0 };
    const { watch, limiter } = watched(free, INPUT_MOST * INPUT);
    while (watch.check(dear(0)) === 'wait') await answers();
    expect(limiter.extended.map(({ nanoUsd }) => nanoUsd)).toEqual(Array(8).fill(512 * INPUT));
  });
});

describe('a prompt kept in a cache that nobody asked to keep it', () => {
  it('is dearer than what was set aside, though it has no more tokens', async () => {
    const { watch, limiter } = watched();
    const usage = { cacheWrite5mTokens: INPUT_MOST, outputTokens: 1 };
    expect(watch.check(reply(OUTPUT_MOST * 4 * 0.95, usage))).toBe('fine');
    await answers();
    expect(limiter.extended).toHaveLength(1);
  });
});

describe('an upstream that tells no usage before the end', () => {
  it('is believed to keep to its limit while what it wrote could be so many tokens', () => {
    const { watch, limiter } = watched();
    expect(watch.check(reply(OUTPUT_MOST * 8))).toBe('fine');
    expect(limiter.extended).toHaveLength(0);
  });

  it('is taken for one that wrote as much as it likely did once that is surely more', async () => {
    const { watch, limiter, reservation } = watched();
    const outputBytes = OUTPUT_MOST * 8 + 1;
    while (watch.check(reply(outputBytes)) === 'wait') await answers();
    expect(reservation.heldNanoUsd).toBeGreaterThanOrEqual(INPUT_MOST * INPUT + (outputBytes / 4) * OUTPUT);
    const asked = limiter.extended.length;
    expect(asked).toBe(Math.ceil((OUTPUT_MOST * OUTPUT) / STEP));
    limiter.extensionsMost = asked;
    expect(watch.check(reply(outputBytes + 9_000))).toBe('wait');
    await answers();
    expect(watch.check(reply(outputBytes + 9_000))).toBe('stop');
  });

  it('is billed by what its prompt likely was, not by the most it could have been', () => {
    const { watch } = watched();
    const { inputTokens, outputTokens } = watch.affordable(reply(2_000));
    expect([inputTokens, outputTokens]).toEqual([300, 500]);
  });
});

describe('what a reply that was stopped came to', () => {
  it('is what the upstream told and wrote, where that is paid for', () => {
    const { watch } = watched();
    const usage = { inputTokens: 900, outputTokens: 1 };
    expect(watch.affordable(reply(4_000, usage))).toMatchObject({ inputTokens: 900, outputTokens: 1_000 });
    expect(watch.affordable(reply(8, { ...usage, outputTokens: 77 }))).toMatchObject({ outputTokens: 77 });
  });

  it.each([
    ['too much output', 90_000, { inputTokens: 900, outputTokens: 1 }],
    ['input alone', 0, { inputTokens: 50_000, outputTokens: 1 }],
    ['a cache', 4_000, { cacheWrite1hTokens: 50_000, outputTokens: 1 }],
    ['far more output than allowed', 900_000, undefined],
  ])('never costs more than is held: %s', (_, outputBytes, usage) => {
    const { watch } = watched();
    const paid = watch.affordable(reply(outputBytes, usage));
    expect(costNanoUsd(paid, PRICES)).toBeLessThanOrEqual(HELD);
    expect(costNanoUsd(paid, PRICES)).toBeGreaterThan(HELD - 2 * OUTPUT);
  });

  it('never costs more than is held at the price of a long prompt', () => {
    const long = { ...PRICES, input: 6_000_000, output: 90_000_000 };
    const { watch } = watched({ ...PRICES, longPrompt: { aboveInputTokens: 800, prices: long } });
    const paid = watch.affordable(reply(9_000, { inputTokens: 900 }));
    expect(costNanoUsd(paid, { ...PRICES, longPrompt: { aboveInputTokens: 800, prices: long } })).toBeLessThanOrEqual(
      HELD,
    );
  });

  it('counts all output as reasoning where that is dearer and the upstream has not told', () => {
    const { watch } = watched({ ...PRICES, reasoning: 2 * 15_000_000 });
    expect(watch.check(reply(0, { inputTokens: 900, outputTokens: 1_100 }))).toBe('wait');
    const paid = watch.affordable(reply(0, { inputTokens: 900, outputTokens: 2_000 }));
    expect(paid.outputTokens).toBe(Math.floor((HELD - 900 * INPUT) / (2 * OUTPUT)));
  });
});
