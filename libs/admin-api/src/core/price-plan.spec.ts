import fc from 'fast-check';
import { priceAt, type PriceSchedule, type Prices } from '@switchboard/contracts';
import type { DeclaredPricing } from '@switchboard/platform';
import { lateNotes, pastFaults, planPrices } from './price-plan';

const at = (input: number): Prices => ({ input, output: 2, cacheRead: 1, cacheWrite5m: 1, cacheWrite1h: 1 });
const NOW = 5_000;

const known = (pricing: PriceSchedule, versions = pricing.length) => ({ pricing, versions });
const KNOWN: PriceSchedule = [
  { version: 'v1', effectiveFromMs: 1_000, prices: at(1) },
  { version: 'v3', effectiveFromMs: 2_000, prices: at(2) },
  { version: 'v4', effectiveFromMs: 8_000, prices: at(3) },
];

/** `v3@2000:2`. */
const told = ({ pricing, added }: ReturnType<typeof planPrices>) => [
  pricing.map(({ version, effectiveFromMs, prices }) => `${version}@${effectiveFromMs}:${prices.input}`).join(' '),
  added.map(({ version }) => version).join(' '),
];
const plan = (declared: DeclaredPricing, versions = 4) => told(planPrices(declared, known(KNOWN, versions), NOW));

describe('the prices of a model', () => {
  it('begin with a first version, from now on, and those that follow', () => {
    const declared: DeclaredPricing = [{ prices: at(1) }, { fromMs: 9_000, prices: at(2) }];
    expect(told(planPrices(declared, { pricing: undefined, versions: 0 }, NOW))).toEqual([
      'v1@5000:1 v2@9000:2',
      'v1 v2',
    ]);
  });

  it('go on counting after those of a model of the same name that is gone', () => {
    const declared: DeclaredPricing = [{ prices: at(1) }];
    expect(told(planPrices(declared, { pricing: undefined, versions: 7 }, NOW))).toEqual(['v8@5000:1', 'v8']);
  });

  it('stay as they are where the same is declared', () => {
    expect(plan([{ prices: at(2) }, { fromMs: 8_000, prices: at(3) }])).toEqual(['v1@1000:1 v3@2000:2 v4@8000:3', '']);
  });

  it('change now where other ones are declared, and what was announced is not where it is not declared again', () => {
    expect(plan([{ prices: at(9) }])).toEqual(['v1@1000:1 v3@2000:2 v5@5000:9', 'v5']);
  });

  it('that were announced and are declared otherwise are another version, at the same time or at another', () => {
    expect(plan([{ prices: at(2) }, { fromMs: 8_000, prices: at(9) }])).toEqual([
      'v1@1000:1 v3@2000:2 v5@8000:9',
      'v5',
    ]);
    expect(plan([{ prices: at(2) }, { fromMs: 8_001, prices: at(3) }])).toEqual([
      'v1@1000:1 v3@2000:2 v5@8001:3',
      'v5',
    ]);
  });

  it('are those of the last time that has passed, which a file may still name', () => {
    const file: DeclaredPricing = [
      { prices: at(1) },
      { fromMs: 2_000, prices: at(2) },
      { fromMs: 8_000, prices: at(3) },
    ];
    expect(plan(file)).toEqual(['v1@1000:1 v3@2000:2 v4@8000:3', '']);
  });

  it('that come back are a version of their own', () => {
    expect(plan([{ prices: at(1) }])).toEqual(['v1@1000:1 v3@2000:2 v5@5000:1', 'v5']);
  });

  it('keep their order on a clock that was set back', () => {
    const first: PriceSchedule = [{ version: 'v1', effectiveFromMs: 6_000, prices: at(1) }];
    expect(told(planPrices([{ prices: at(2) }], known(first), NOW))).toEqual(['v1@6000:1 v2@6000:2', 'v2']);
  });
});

it('whatever is declared, past versions stay, none changes, and each moment has the price that was declared for it', () => {
  const price = fc.integer({ min: 0, max: 3 }).map(at);
  const declaration = fc
    .tuple(
      price,
      fc.uniqueArray(fc.record({ fromMs: fc.integer({ min: 1, max: 60 }), prices: price }), {
        selector: (each) => each.fromMs,
        maxLength: 4,
      }),
    )
    .map(([prices, later]): DeclaredPricing => [{ prices }, ...later.sort((a, b) => a.fromMs - b.fromMs)]);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 10 }), declaration), { minLength: 1 }), (edits) => {
      let pricing: PriceSchedule | undefined;
      const written = new Map<string, string>();
      let nowMs = 0;
      for (const [passedMs, declared] of edits) {
        nowMs += passedMs;
        const before: PriceSchedule | undefined = pricing;
        const { pricing: after, added } = planPrices(declared, { pricing: before, versions: written.size }, nowMs);
        for (const { version, ...rest } of added) {
          expect(written.has(version)).toBe(false);
          written.set(version, JSON.stringify(rest));
        }
        for (const { version, ...rest } of after) expect(written.get(version)).toBe(JSON.stringify(rest));
        for (let ms = 1; before !== undefined && ms < nowMs; ms++) {
          expect(priceAt({ pricing: after }, ms)).toEqual(priceAt({ pricing: before }, ms));
        }
        for (let ms = nowMs; ms < 70; ms++) {
          const { prices } = declared.findLast(({ fromMs = 0 }) => fromMs <= ms) ?? declared[0];
          expect(priceAt({ pricing: after }, ms).prices).toEqual(prices);
        }
        pricing = after;
      }
    }),
  );
});

describe('a time that has passed', () => {
  it('is refused of a price that did not take effect then', () => {
    const faults = (declared: DeclaredPricing) => pastFaults(declared, KNOWN, NOW).map(({ path }) => path);
    expect(
      faults([
        { fromMs: 2_000, prices: at(2) },
        { fromMs: 8_000, prices: at(9) },
      ]),
    ).toEqual([]);
    expect(
      faults([
        { fromMs: 2_000, prices: at(3) },
        { fromMs: NOW, prices: at(9) },
      ]),
    ).toEqual(['pricing[0].from', 'pricing[1].from']);
  });

  it('is told where a file changes a price too late, once', () => {
    const late: DeclaredPricing = [{ prices: at(1) }, { fromMs: 4_000, prices: at(9) }];
    const first = planPrices(late, known(KNOWN), NOW);
    expect(lateNotes('m', late, known(KNOWN), first, NOW)).toEqual([
      'a price of model m was to hold from 1970-01-01T00:00:04.000Z, which has passed: it holds from now on',
    ]);
    const then = known(first.pricing, 5);
    expect(lateNotes('m', late, then, planPrices(late, then, NOW + 1), NOW + 1)).toEqual([]);
  });
});
