import { STREAMS } from '@switchboard/contracts';
import { METERING_DURABLE } from '@switchboard/metering/client';
import { environmentOf, namesIn, podOf, renderChart, type Rendering } from '@switchboard/testing';
import { readMeteringSettings } from './config';

const DATABASE_URL = 'postgresql://metering:s3cret@db:5432/switchboard';
const KEK = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

test('the database and the key-encryption key are all that must be given', () => {
  expect(readMeteringSettings({ DATABASE_URL, KEK })).toMatchObject({
    ok: true,
    settings: {
      DATABASE_URL,
      REDIS_URL: 'redis://127.0.0.1:6379',
      CALL_LOG_RETENTION_DAYS: 30,
      RESPONSES_RETENTION_DAYS: 30,
      ADMIN_PORT: 9090,
      NATS_URL: 'nats://127.0.0.1:4222',
      LOG_LEVEL: 'info',
    },
  });
});

test('faults are told together, each by its variable and none with its value', () => {
  const read = readMeteringSettings({
    DATABASE_URL: 'mysql://metering:s3cret@db/x',
    ADMIN_PORT: '70000',
    KEK: 's3cret',
  });
  expect(read.ok).toBe(false);
  const faults = read.ok ? '' : read.faults.join('\n');
  expect(faults).toMatch(/^ADMIN_PORT: .*\nDATABASE_URL: must be postgresql:.*\nKEK: entry 1 must be id:base64/);
  expect(faults).not.toContain('s3cret');
  expect(readMeteringSettings({})).toEqual({
    ok: false,
    faults: ['DATABASE_URL: required', expect.stringMatching(/^KEK: required/)],
  });
});

test('usage is kept for ever, or for three months at least', () => {
  const read = (months: string) => readMeteringSettings({ DATABASE_URL, KEK, USAGE_RETENTION_MONTHS: months });
  expect(read('')).toMatchObject({ ok: true });
  expect(read('')).not.toHaveProperty('settings.USAGE_RETENTION_MONTHS');
  expect(read('13')).toMatchObject({ ok: true, settings: { USAGE_RETENTION_MONTHS: 13 } });
  expect(read('2')).toEqual({ ok: false, faults: ['USAGE_RETENTION_MONTHS: must be at least 3, or not set'] });
});

test('of tenants the metrics tell only where it is asked for, and of a hundred at most', () => {
  const read = (top: string) => readMeteringSettings({ DATABASE_URL, KEK, TENANT_COST_TOP: top });
  expect(read('')).toMatchObject({ ok: true, settings: { TENANT_COST_TOP: 0 } });
  expect(read('20')).toMatchObject({ ok: true, settings: { TENANT_COST_TOP: 20 } });
  expect(read('101')).toMatchObject({ ok: false, faults: [expect.stringMatching(/^TENANT_COST_TOP: /)] });
});

describe('the chart', () => {
  const secrets = {
    ...{ KEK: `k1:${Buffer.alloc(32).toString('base64')}`, DATABASE_URL: 'postgresql://u:p@h:5432/d' },
    ...{ NATS_URL: 'nats://token@nats:4222', REDIS_URL: 'redis://redis:6379' },
  };

  async function environment(rendering: Rendering = {}): Promise<Record<string, string>> {
    return environmentOf(podOf(await renderChart(rendering), 'metering'), secrets);
  }

  function settingsFrom(env: Record<string, string>) {
    const read = readMeteringSettings(env);
    if (!read.ok) throw new Error(read.faults.join());
    return read.settings;
  }

  it('sets every variable that metering reads, and none that it does not', async () => {
    const env = await environment({ values: { metering: { config: { usageRetentionMonths: 12 } } } });
    expect(settingsFrom(env)).toMatchObject({ USAGE_RETENTION_MONTHS: 12 });
    expect(namesIn(env)).toEqual(namesIn({ ...settingsFrom(env), KEK: '' }));
  });

  it('has the defaults that metering has', async () => {
    const { INSTANCE: _, ...set } = settingsFrom(await environment());
    expect(settingsFrom(secrets)).toMatchObject(set);
    expect(set).not.toHaveProperty('USAGE_RETENTION_MONTHS');
  });

  it('scales it by the stream and the consumer it reads', async () => {
    const values = {
      metering: { autoscaling: { enabled: true, engine: 'keda' } },
      keda: { natsMonitoringEndpoint: 'nats:8222' },
    };
    const scaler = (await renderChart({ values })).find(({ kind }) => kind === 'ScaledObject');
    expect(scaler).toMatchObject({
      spec: { triggers: [{ metadata: { stream: STREAMS.usage.name, consumer: METERING_DURABLE } }] },
    });
  });
});
