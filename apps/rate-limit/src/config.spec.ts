import { environmentOf, namesIn, podOf, renderChart, type Rendering } from '@switchboard/testing';
import { readRateLimitSettings } from './config';

test('nothing must be given', () => {
  expect(readRateLimitSettings({})).toMatchObject({
    ok: true,
    settings: { REDIS_URL: 'redis://127.0.0.1:6379', RESERVATION_LEASE_MS: 60_000, REDIS_TIMEOUT_MS: 50 },
  });
});

test('the lease and what Redis may take are set in milliseconds, within reason', () => {
  expect(readRateLimitSettings({ RESERVATION_LEASE_MS: '30000', REDIS_TIMEOUT_MS: '20' })).toMatchObject({
    ok: true,
    settings: { RESERVATION_LEASE_MS: 30_000, REDIS_TIMEOUT_MS: 20 },
  });
  const read = readRateLimitSettings({ RESERVATION_LEASE_MS: '999', REDIS_TIMEOUT_MS: '4' });
  expect(read.ok ? [] : read.faults).toEqual([
    expect.stringMatching(/^RESERVATION_LEASE_MS: /),
    expect.stringMatching(/^REDIS_TIMEOUT_MS: /),
  ]);
});

test('faults are told together, each by its variable and none with its value', () => {
  const read = readRateLimitSettings({ REDIS_URL: 'http://:s3cret@redis', RESERVATION_LEASE_MS: '5', ADMIN_PORT: 'x' });
  expect(read.ok).toBe(false);
  const faults = read.ok ? '' : read.faults.join('\n');
  expect(faults).toMatch(/^ADMIN_PORT: .*\nREDIS_URL: must be redis:.*\nRESERVATION_LEASE_MS: /);
  expect(faults).not.toContain('s3cret');
});

describe('the chart', () => {
  const secrets = { NATS_URL: 'nats://token@nats:4222', REDIS_URL: 'rediss://:secret@redis:6380/1' };

  async function environment(rendering: Rendering = {}): Promise<Record<string, string>> {
    return environmentOf(podOf(await renderChart(rendering), 'rate-limit'), secrets);
  }

  function settingsFrom(env: Record<string, string>) {
    const read = readRateLimitSettings(env);
    if (!read.ok) throw new Error(read.faults.join());
    return read.settings;
  }

  it('sets every variable that rate-limit reads, and none that it does not', async () => {
    const env = await environment();
    expect(namesIn(env)).toEqual(namesIn(settingsFrom(env)));
  });

  it('has the defaults that rate-limit has', async () => {
    const { INSTANCE: _, ...set } = settingsFrom(await environment());
    expect(settingsFrom(secrets)).toMatchObject(set);
  });

  it('passes on what its values say', async () => {
    const config = { reservationLeaseMs: 1_000, redisTimeoutMs: 5 };
    const values = { redis: { url: 'redis://r:1' }, rateLimit: { config } };
    expect(settingsFrom(await environment({ values }))).toMatchObject({
      ...{ REDIS_URL: 'redis://r:1', RESERVATION_LEASE_MS: 1_000, REDIS_TIMEOUT_MS: 5 },
    });
  });
});
