import type { UsageFilter, UsageGrouping } from '@switchboard/contracts';
import { totalsPlan } from './totals-plan';

const at = (time: string): number => Date.parse(`2026-11-${time}:00Z`);
const plan = (groupBy: UsageGrouping, filter: UsageFilter): string[] =>
  totalsPlan(filter, groupBy).map(({ source, fromMs, toMs, taken }) => {
    const shown = (ms?: number): string => (ms === undefined ? '' : new Date(ms).toISOString().slice(8, 16));
    return `${taken === true ? 'less ' : ''}${source} ${shown(fromMs)}–${shown(toMs)}`;
  });

const range = { fromMs: at('03T10:30'), toMs: at('09T22:15') };

test('whole days come from sums by day, whole hours beside them from those by hour, the rest from the calls', () => {
  expect(plan('model', { tenantId: 'acme', fromMs: at('03T13:30'), toMs: at('09T10:15') })).toEqual([
    ...['by_day 04T00:00–09T00:00', 'rollups 03T14:00–04T00:00', 'rollups 09T00:00–09T10:00'],
    ...['calls 03T13:30–03T14:00', 'calls 09T10:00–09T10:15'],
  ]);
});

test('of a day that is asked for by its greater part, the other hours are taken out', () => {
  expect(plan('key', range)).toEqual([
    ...['by_key_day 03T00:00–10T00:00', 'less rollups 03T00:00–03T11:00', 'less rollups 09T22:00–10T00:00'],
    ...['calls 03T10:30–03T11:00', 'calls 09T22:00–09T22:15'],
  ]);
});

test('hours about noon are no day less all others', () => {
  expect(plan('key', { fromMs: at('03T11:00'), toMs: at('03T13:00') })).toEqual(['rollups 03T11:00–03T13:00']);
});

test('keys and tenants come from sums of theirs, unless it is asked for a model', () => {
  for (const groupBy of ['key', 'tenant'] as const) {
    expect(plan(groupBy, range)[0]).toBe('by_key_day 03T00:00–10T00:00');
    expect(plan(groupBy, { model: 'm', ...range })[0]).toBe('by_day 03T00:00–10T00:00');
  }
});

test('what concerns nobody in particular comes from sums of models by hour', () => {
  for (const groupBy of ['model', 'upstream', 'hour', 'day'] as const) {
    expect(plan(groupBy, range)).toEqual([
      ...['by_model_hour 03T11:00–09T22:00', 'calls 03T10:30–03T11:00', 'calls 09T22:00–09T22:15'],
    ]);
  }
});

test('hours of a tenant or key come from sums by hour', () => {
  expect(plan('hour', { keyId: 'key_1', ...range })[0]).toBe('rollups 03T11:00–09T22:00');
});

test('a range without bounds is one part', () => {
  expect(plan('key', {})).toEqual(['by_key_day –']);
  expect(plan('hour', { tenantId: 'acme' })).toEqual(['rollups –']);
});

test('a range within an hour or a day, or of nothing, has no coarser part', () => {
  expect(plan('key', { fromMs: at('03T10:10'), toMs: at('03T10:50') })).toEqual(['calls 03T10:10–03T10:50']);
  expect(plan('key', { fromMs: at('03T10:00'), toMs: at('03T12:00') })).toEqual(['rollups 03T10:00–03T12:00']);
  expect(plan('key', { fromMs: at('04T00:00'), toMs: at('03T00:00') })).toEqual(['calls 04T00:00–03T00:00']);
});
