import { bucketKey, type Catalog, type RoutedModelV2, type RoutedPolicyV2 } from '@switchboard/contracts';
import type { PolicyName } from '@switchboard/upstreams';
import { catalogOf, model, prices, upstream } from '../__fixtures__/catalog';
import { reportOf, type Seen } from '../__fixtures__/outcomes';
import { Evaluator } from './evaluator';

const NO_PROBE = { probeOf: () => undefined };
const [cloud, gpu] = [upstream('cloud', 'x'), upstream('gpu', 'y')];
const catalog = catalogOf([model('a', [cloud, gpu, upstream('gone', 'z')])]);

class Bench {
  readonly evaluator = new Evaluator();
  nowMs = 0;
  version = 0;
  catalog: Catalog = catalog;
  atMs: number | undefined;

  seen(...upstreams: Seen[]): this {
    this.evaluator.observations.take(reportOf(upstreams), this.nowMs);
    return this;
  }

  after(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  evaluate() {
    const moment = { nowMs: this.nowMs, atMs: this.atMs ?? this.nowMs };
    return this.evaluator.evaluate(this.catalog, moment, { nextVersion: ++this.version, ...NO_PROBE });
  }

  upstreams(id = 'a'): RoutedModelV2['upstreams'] {
    return (this.evaluate().entries.get(bucketKey.model(id)) as RoutedModelV2).upstreams;
  }

  ranked(policy: PolicyName): string[] {
    const { ranked } = this.evaluate().entries.get(bucketKey.policy(policy)) as RoutedPolicyV2;
    return ranked.map((choice) => `${choice.provider}:${choice.upstreamModel}`);
  }
}

/** Streams of 100 tokens each. */
const streams = (count: number, { ms, perSecond }: { ms: number; perSecond: number }): Seen => ({
  counts: { ok: count },
  firstTokensMs: Array<number>(count).fill(ms),
  ...{ replies: count, inputTokens: 1_000 * count, cacheReadTokens: 250 * count, outputTokens: 100 * count },
  ...{ streamedTokens: 100 * count, streamedMs: (100_000 * count) / perSecond },
});

test('an upstream nobody has used is healthy, without figures; one without a provider is left out', () => {
  expect(new Bench().upstreams()).toEqual([
    { provider: 'gpu', model: 'y', weight: 1, state: 'healthy', stateVersion: 1 },
    { provider: 'cloud', model: 'x', weight: 1, state: 'healthy', stateVersion: 1 },
  ]);
});

test('what is evaluated again without news is the same', () => {
  const bench = new Bench().seen(streams(20, { ms: 400, perSecond: 50 }));
  const before = JSON.stringify([...bench.evaluate().entries]);
  bench.after(1_000).seen(streams(20, { ms: 420, perSecond: 48 }));
  expect(JSON.stringify([...bench.evaluate().entries])).toBe(before);
});

test('figures are medians and means of the replies', () => {
  const [, measured] = new Bench().seen(streams(20, { ms: 400, perSecond: 50 })).upstreams();
  expect(measured).toMatchObject({ tokensPerSecond: 50, outputTokens: 100, cacheHitRate: 0.25 });
  expect(measured!.firstTokenMs).toBeGreaterThanOrEqual(400);
  expect(measured!.firstTokenMs).toBeLessThanOrEqual(500);
  // How long the model's replies are is known of all its upstreams by those of one.
  expect(new Bench().seen(streams(20, { ms: 400, perSecond: 50 })).upstreams()[0]).toMatchObject({ outputTokens: 100 });
});

test('figures follow within minutes; one that is no longer used goes back to what is usual', () => {
  const bench = new Bench();
  for (let second = 0; second < 600; second++) bench.after(1_000).seen(streams(5, { ms: 200, perSecond: 100 }));
  bench.upstreams();
  for (let second = 0; second < 120; second++) {
    bench
      .after(1_000)
      .seen(streams(1, { ms: 1_000, perSecond: 20 }))
      .upstreams();
  }
  const slowed = bench.upstreams()[1]!;
  expect(slowed.firstTokenMs).toBeGreaterThan(800);
  for (let minute = 0; minute < 6; minute++) bench.after(60_000).upstreams();
  const usual = bench.upstreams()[1]!;
  expect(usual.firstTokenMs).toBeLessThan(300);
  expect(usual.tokensPerSecond).toBeGreaterThan(80);
});

test('a new state has the version in which it was found, and its place', () => {
  const bench = new Bench();
  bench.evaluate();
  bench.after(1_000).seen({ provider: 'gpu', model: 'y', counts: { failed: 9 } });
  const [first, second] = bench.upstreams();
  expect(first).toMatchObject({ provider: 'cloud', stateVersion: 1 });
  expect(second).toMatchObject({ provider: 'gpu', state: 'open', stateVersion: 2, retryAfterMs: 1_000 });
  expect(second!.reason).toContain('9 of 9 calls failed');
  expect(bench.after(100).upstreams()[1]).toEqual(second);
  expect(bench.evaluate().dueMs).toBe(2_000);
  expect(bench.after(900).upstreams()[1]).toMatchObject({ state: 'half-open', stateVersion: 5 });
  expect(bench.upstreams()[1]).not.toHaveProperty('retryAfterMs');
});

test('policies rank what auto may choose, by figures; what is open comes last', () => {
  const bench = new Bench();
  const cheap = model('cheap', [upstream('flat', 'c')], {
    pricing: [{ version: 'v1', effectiveFromMs: 0, prices: prices(0.1, 0.1) }],
  });
  bench.catalog = catalogOf([...catalog.models.values(), cheap, model('other', [upstream('gpu', 'o')])], {
    models: ['a', 'cheap'],
  });
  expect(bench.ranked('auto')).toEqual(['gpu:y', 'flat:c', 'cloud:x']);
  expect(bench.ranked('auto:cheapest')).toEqual(['flat:c', 'gpu:y', 'cloud:x']);
  expect(bench.ranked('auto:fastest')).toEqual(['gpu:y', 'flat:c', 'cloud:x']);
  bench.seen(streams(9, { ms: 100, perSecond: 100 }), { provider: 'flat', model: 'c', counts: { failed: 9 } });
  expect(bench.ranked('auto:fastest')).toEqual(['gpu:y', 'cloud:x', 'flat:c']);
  expect(bench.ranked('auto:cheapest')).toEqual(['gpu:y', 'cloud:x', 'flat:c']);
});

test('a price that takes effect changes the order in that moment', () => {
  const bench = new Bench();
  bench.catalog = catalogOf([
    model('a', [cloud]),
    model('b', [upstream('flat', 'b')], {
      pricing: [
        { version: 'v1', effectiveFromMs: 0, prices: prices(5, 9) },
        { version: 'v2', effectiveFromMs: 1_000, prices: prices(0.5, 0.9) },
      ],
    }),
  ]);
  bench.atMs = 999;
  expect(bench.ranked('auto:cheapest')).toEqual(['cloud:x', 'flat:b']);
  bench.atMs = 1_000;
  expect(bench.ranked('auto:cheapest')).toEqual(['flat:b', 'cloud:x']);
});

test('another router goes on from what was published: states with their versions and waits, and figures', () => {
  const first = new Bench().after(5_000).seen({ counts: { failed: 9 } });
  first.seen({ provider: 'gpu', model: 'y', ...streams(9, { ms: 300, perSecond: 40 }) });
  const published = first.upstreams();
  const second = new Bench().after(70_000);
  const adopted = { upstreams: published, createdAtMs: 1_000_000 };
  second.evaluator.adopt(adopted, { nowMs: 70_000, atMs: 1_000_300 });
  second.version = 40;
  expect(second.upstreams()).toEqual(published);
  // Three tenths of a second were over when it was adopted.
  expect(second.evaluate().dueMs).toBe(70_700);
  expect(second.after(700).upstreams()[1]).toMatchObject({ state: 'half-open', stateVersion: 43 });
});

test('what the catalog no longer has is forgotten', () => {
  const bench = new Bench().seen({ counts: { failed: 9 } });
  expect(bench.upstreams()[1]?.state).toBe('open');
  bench.evaluator.keepOnly(catalogOf([model('a', [gpu])]));
  expect(bench.upstreams()[1]?.state).toBe('healthy');
});
