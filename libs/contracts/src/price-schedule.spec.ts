import type { Prices } from './money';
import { priceAt, type PriceSchedule, type PriceVersion, recentPrices } from './price-schedule';

const prices: Prices = { input: 1, output: 2, cacheRead: 1, cacheWrite5m: 1, cacheWrite1h: 1 };
const version = (name: string, effectiveFromMs: number): PriceVersion => ({ version: name, effectiveFromMs, prices });

const pricing: PriceSchedule = [version('v1', 1_000), version('v2', 2_000), version('v3', 3_000)];
const at = (atMs: number): string => priceAt({ pricing }, atMs).version;

it('takes effect in the millisecond it names, and not before', () => {
  expect([1_999, 2_000, 2_001, 2_999, 3_000].map(at)).toEqual(['v1', 'v2', 'v2', 'v2', 'v3']);
});

it('prices by the first version what began before it, as on an edge whose clock is behind', () => {
  expect([0, 999, 1_000].map(at)).toEqual(['v1', 'v1', 'v1']);
});

it('prices all calls by the only version there is', () => {
  expect(priceAt({ pricing: [pricing[2]!] }, 0)).toBe(pricing[2]);
});

describe('what edges need of a schedule', () => {
  const day = 86_400_000;
  const names = (nowMs: number): string[] => recentPrices(pricing, nowMs).map((each) => each.version);

  it('is all that is to come, what is in effect, and what was so a day ago', () => {
    expect(names(1_500)).toEqual(['v1', 'v2', 'v3']);
    expect(names(1_999 + day)).toEqual(['v1', 'v2', 'v3']);
    expect(names(2_000 + day)).toEqual(['v2', 'v3']);
    expect(names(9_000 + day)).toEqual(['v3']);
  });
});
