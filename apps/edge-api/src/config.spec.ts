import { environmentOf, namesIn, podOf, renderChart, type Rendering } from '@switchboard/testing';
import { readEdgeSettings } from './config';

const KEK = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const KEY_PEPPER = `p1:${Buffer.alloc(32, 2).toString('base64')}`;

test('the two secret rings are all that must be given', () => {
  const read = readEdgeSettings({ KEK, KEY_PEPPER });
  expect(read).toMatchObject({
    ok: true,
    settings: {
      ...{
        PORT: 8080,
        HOST: '0.0.0.0',
        ADMIN_PORT: 9090,
        NATS_URL: 'nats://127.0.0.1:4222',
        KEEPALIVE_MS: 14_000,
        READ_ON_MS: 120_000,
      },
      ...{ DRAIN_MS: 3_600_000, DRAIN_GRACE_MS: 5_000, MAX_BODY_BYTES: 33_554_432, TRUSTED_PROXIES: [] },
      ...{ SPOOL_DIR: '.switchboard/spool', SPOOL_MAX_BYTES: 268_435_456 },
    },
    secrets: { sealer: { currentKeyId: 'k1' } },
  });
});

test('what is given is taken, no time for draining included', () => {
  const env = { KEK, KEY_PEPPER, DRAIN_MS: '0', DRAIN_GRACE_MS: '0', TRUSTED_PROXIES: '10.0.0.0/8, ::1,192.0.2.1' };
  expect(readEdgeSettings(env)).toMatchObject({
    ok: true,
    settings: { DRAIN_MS: 0, DRAIN_GRACE_MS: 0, TRUSTED_PROXIES: ['10.0.0.0/8', '::1', '192.0.2.1'] },
  });
});

test('faults are told together, each by its variable and none with a secret', () => {
  const read = readEdgeSettings({
    ...{ KEK: 'k1:hunter2', KEY_PEPPER: '', PORT: '70000', DRAIN_MS: '-1', MAX_BODY_BYTES: 'many' },
  });
  const faults = read.ok ? '' : read.faults.join('\n');
  for (const name of ['PORT', 'DRAIN_MS', 'MAX_BODY_BYTES', 'KEK', 'KEY_PEPPER']) {
    expect(faults).toMatch(new RegExp(`^${name}: `, 'm'));
  }
  expect(faults).not.toContain('hunter2');
});

test.each(['10.0.0.0/33', 'proxy', '10.0.0.0/8/8', '10.0.0', '::1/129', '10.0.0.0/'])(
  'a trusted proxy that is no address or range is a fault: %s',
  (range) => {
    const read = readEdgeSettings({ KEK, KEY_PEPPER, TRUSTED_PROXIES: `192.0.2.1,${range}` });
    expect(read).toEqual({ ok: false, faults: [expect.stringContaining(`TRUSTED_PROXIES`)] });
    expect(read.ok ? '' : read.faults[0]).toContain(range);
  },
);

describe('the chart', () => {
  const ring = `k1:${Buffer.alloc(32).toString('base64')}`;
  const secrets = { KEK: ring, KEY_PEPPER: ring, NATS_URL: 'nats://token@nats:4222' };

  async function environment(rendering: Rendering = {}): Promise<Record<string, string>> {
    return environmentOf(podOf(await renderChart(rendering), 'edge-api'), secrets);
  }

  function settingsFrom(env: Record<string, string>) {
    const read = readEdgeSettings(env);
    if (!read.ok) throw new Error(read.faults.join());
    return read.settings;
  }

  it('sets every variable that the edge reads, and none that it does not', async () => {
    const env = await environment();
    expect(namesIn(env)).toEqual(namesIn({ ...settingsFrom(env), KEK: '', KEY_PEPPER: '' }));
  });

  it('has the defaults that the edge has', async () => {
    const { INSTANCE: _, SPOOL_DIR: folder, ...set } = settingsFrom(await environment());
    expect(settingsFrom(secrets)).toMatchObject(set);
    expect(folder).toBe('/var/lib/switchboard/spool');
  });

  it('passes on what its values say', async () => {
    const config = {
      ...{ maxBodyBytes: 1_000_000_000, keepaliveMs: 1, readOnMs: 2, drainMs: 3, drainGraceMs: 4 },
      ...{ admissionBatchMax: 5, trustedProxies: ['10.0.0.0/8', '::1'] },
    };
    const values = {
      listenAddress: '::',
      logLevel: 'debug',
      nats: { url: 'tls://a:1,tls://b:2' },
      edgeApi: { config },
    };
    expect(settingsFrom(await environment({ values }))).toMatchObject({
      ...{ MAX_BODY_BYTES: 1_000_000_000, KEEPALIVE_MS: 1, READ_ON_MS: 2, DRAIN_MS: 3, DRAIN_GRACE_MS: 4 },
      ...{ ADMISSION_BATCH_MAX: 5, TRUSTED_PROXIES: ['10.0.0.0/8', '::1'], HOST: '::', ADMIN_HOST: '::' },
      ...{ LOG_LEVEL: 'debug', NATS_URL: 'tls://a:1,tls://b:2' },
    });
  });

  it('tells it where the collector is, in words it understands', async () => {
    const tracing = {
      ...{ endpoint: 'https://collector:4318', protocol: 'http/json', sampleRatio: 0.00001 },
      ...{ headers: { existingSecret: 'otel' }, resourceAttributes: { team: 'a b,c' } },
      ...{ slowFirstTokenMs: 1, slowReplyMs: 2 },
    };
    const objects = await renderChart({ values: { tracing } });
    const env = environmentOf(podOf(objects, 'edge-api'), { ...secrets, OTEL_EXPORTER_OTLP_HEADERS: 'a=b' });
    const settings = settingsFrom(env);
    expect(settings).toMatchObject({
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      ...{ OTEL_TRACES_SAMPLER_ARG: 0.00001, OTEL_EXPORTER_OTLP_HEADERS: { a: 'b' } },
      ...{ OTEL_RESOURCE_ATTRIBUTES: { 'k8s.namespace.name': 'gateway', team: 'a b,c' } },
      ...{ TRACE_SLOW_FIRST_TOKEN_MS: 1, TRACE_SLOW_REPLY_MS: 2 },
    });
    const ofTracing = (name: string): boolean => /^(OTEL|TRACE)_/.test(name);
    expect(Object.keys(settings)).toEqual(expect.arrayContaining(Object.keys(env).filter(ofTracing)));
  });
});
