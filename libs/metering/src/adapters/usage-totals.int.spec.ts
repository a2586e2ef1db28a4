import type { UsageGrouping, UsageQueries, UsageRecordedV1, UsageTotal } from '@switchboard/contracts';
import { createLogger, createMetrics, createPool, type Pool } from '@switchboard/platform';
import fc from 'fast-check';
import { openTestDatabase, type TestDatabase } from '../__fixtures__/database';
import { event } from '../__fixtures__/usage-events';
import { openUsageQueries } from '../metering';
import { TenantCosts } from '../tenant-costs';
import { SpendingSums } from './spending-sums';
import { writeUsage } from './usage-insert';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });
const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-11-20T22:00:00Z');
/** A whole day is within. */
const HOURS = 36;

let database: TestDatabase;
let pool: Pool;
let reading: { queries: UsageQueries; close(): Promise<void> };
let current: UsageRecordedV1[];

beforeAll(async () => {
  database = await openTestDatabase(log);
  pool = createPool({ url: database.url, log });
  reading = openUsageQueries(database.url, log);
  const made = (accuracy: UsageRecordedV1['accuracy'], index: number): UsageRecordedV1 =>
    event(`req_${index}`, {
      accuracy,
      tenantId: `tenant_${index % 2}`,
      keyId: `key_${index % 4}`,
      model: `model_${index % 3}`,
      upstream: accuracy === 'exact' ? 'real' : 'planned',
      costNanoUsd: accuracy === 'exact' ? 2 ** index : 1,
      // On the edges of hours, beside them and between.
      startedAtMs: START_MS + (index % HOURS) * HOUR_MS + [0, 1, HOUR_MS - 1, 1_234_567][index % 4]!,
    });
  const all = Array.from({ length: 40 }, (_, index) => index);
  await writeUsage(
    pool,
    all.map((index) => made(index % 5 === 0 ? 'orphaned' : 'exact', index)),
  );
  await writeUsage(
    pool,
    all.filter((index) => index % 10 === 0).map((index) => made('exact', index)),
  );
  current = all.map((index) => made(index % 10 === 5 ? 'orphaned' : 'exact', index));
});

afterAll(async () => {
  await Promise.all([pool.end(), reading.close()]);
  await database.close();
});

const isoHour = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
const GROUP: Record<UsageGrouping, (record: UsageRecordedV1) => string> = {
  tenant: ({ tenantId }) => tenantId,
  key: ({ keyId }) => keyId,
  model: ({ model }) => model,
  upstream: ({ upstream }) => upstream,
  hour: ({ startedAtMs }) => isoHour(Math.floor(startedAtMs / HOUR_MS) * HOUR_MS),
  day: ({ startedAtMs }) => isoHour(Math.floor(startedAtMs / (24 * HOUR_MS)) * 24 * HOUR_MS),
};

/** From a moment on an edge of an hour, or beside it, or anywhere; a range may be within one hour, or hold nothing. */
const moment = fc.oneof(
  fc.integer({ min: -1, max: HOURS + 1 }).map((hour) => START_MS + hour * HOUR_MS),
  fc
    .tuple(fc.integer({ min: 0, max: HOURS }), fc.constantFrom(-1, 1))
    .map(([hour, by]) => START_MS + hour * HOUR_MS + by),
  fc.integer({ min: START_MS - 1_000, max: START_MS + HOURS * HOUR_MS }),
);

test('totals over any range, by any group, are those of its calls, corrected ones once', async () => {
  const question = fc.record({
    filter: fc.record(
      {
        fromMs: moment,
        toMs: moment,
        tenantId: fc.constantFrom('tenant_0', 'tenant_1', 'nobody'),
        keyId: fc.constantFrom('key_0', 'key_1'),
        model: fc.constantFrom('model_0', 'model_1'),
      },
      { requiredKeys: [] },
    ),
    groupBy: fc.constantFrom<UsageGrouping>('tenant', 'key', 'model', 'upstream', 'hour', 'day'),
  });
  await fc.assert(
    fc.asyncProperty(question, async ({ filter, groupBy }) => {
      const { fromMs = -Infinity, toMs = Infinity, tenantId, keyId, model } = filter;
      const expected = new Map<string, Pick<UsageTotal, 'requests' | 'inputTokens' | 'costNanoUsd'>>();
      for (const record of current) {
        const { startedAtMs, usage, costNanoUsd } = record;
        if (startedAtMs < fromMs || startedAtMs >= toMs) continue;
        if (tenantId !== undefined && record.tenantId !== tenantId) continue;
        if (keyId !== undefined && record.keyId !== keyId) continue;
        if (model !== undefined && record.model !== model) continue;
        const group = GROUP[groupBy](record);
        const known = expected.get(group) ?? { requests: 0n, inputTokens: 0n, costNanoUsd: 0n };
        expected.set(group, {
          requests: known.requests + 1n,
          inputTokens: known.inputTokens + BigInt(usage.inputTokens),
          costNanoUsd: known.costNanoUsd + BigInt(costNanoUsd),
        });
      }
      const { totals } = await reading.queries.totals(filter, groupBy, 1_000);
      const found = totals.map(({ group, requests, inputTokens, costNanoUsd }) => [
        group,
        { requests, inputTokens, costNanoUsd },
      ]);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    }),
    { numRuns: 300 },
  );
});

test('what was spent from any moment on is what its calls cost, corrected ones once', async () => {
  const sums = new SpendingSums(pool);
  await fc.assert(
    fc.asyncProperty(moment, fc.constantFrom(undefined, 'key_0', 'key_2'), async (fromMs, keyId) => {
      const calls = current.filter(
        (each) => each.tenantId === 'tenant_0' && each.startedAtMs >= fromMs && (keyId ?? each.keyId) === each.keyId,
      );
      const expected = calls.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0);
      expect(await sums.sum({ tenantId: 'tenant_0', fromMs, ...(keyId === undefined ? {} : { keyId }) })).toBe(
        expected,
      );
    }),
    { numRuns: 150 },
  );
});

test('the dearest tenants of a day are told of as metrics, and no more of them than were asked for', async () => {
  const dayMs = Date.parse('2026-11-21T00:00:00Z');
  const ofDay = current.filter(({ startedAtMs }) => startedAtMs >= dayMs && startedAtMs < dayMs + 24 * HOUR_MS);
  const sums = ['tenant_0', 'tenant_1'].map((tenant) => {
    const calls = ofDay.filter(({ tenantId }) => tenantId === tenant);
    return { tenant, usd: calls.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0) / 1e9, calls: calls.length };
  });
  const [dearest, other] = sums.sort((a, b) => b.usd - a.usd);
  const metrics = createMetrics();
  const costs = new TenantCosts({ pool, metrics, top: 1, nowMs: () => dayMs + 13 * HOUR_MS });
  await costs.read();
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain(`switchboard_tenant_cost_today_usd{tenant="${dearest!.tenant}"} ${dearest!.usd}\n`);
  expect(exposition).toContain(`switchboard_tenant_requests_today{tenant="${dearest!.tenant}"} ${dearest!.calls}\n`);
  expect(exposition).not.toContain(other!.tenant);
});

test('no tenant is told of unless it is asked for', async () => {
  const metrics = createMetrics();
  const costs = new TenantCosts({ pool, metrics, top: 0 });
  costs.start();
  await costs.read();
  costs.stop();
  expect(await metrics.registry.metrics()).not.toContain('tenant');
});
