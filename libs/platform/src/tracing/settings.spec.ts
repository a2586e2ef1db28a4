import { readSettings } from '../service/settings';
import { tracesEndpoint, tracingSettings } from './settings';

const read = (env: NodeJS.ProcessEnv) => readSettings(tracingSettings, env);

test('nothing has to be set, and then nothing is traced', () => {
  const settings = read({});
  expect(settings).toMatchObject({
    ok: true,
    settings: { OTEL_TRACES_SAMPLER_ARG: 0.01, OTEL_BSP_SCHEDULE_DELAY: 5_000 },
  });
  expect(settings.ok && tracesEndpoint(settings.settings)).toBeUndefined();
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel:4318' }, 'http://otel:4318/v1/traces'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otel/base/' }, 'https://otel/base/v1/traces'],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://other/in' },
    'http://other/in',
  ],
])('spans of %j go to %s', (env, url) => {
  const settings = read(env);
  expect(settings.ok && tracesEndpoint(settings.settings)).toBe(url);
});

test('lists are OpenTelemetry’s: between commas, percent-encoded', () => {
  expect(
    read({
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi=, x-team = a%2Cb ,',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod',
    }),
  ).toMatchObject({
    settings: {
      OTEL_EXPORTER_OTLP_HEADERS: { authorization: 'Basic YTpi=', 'x-team': 'a,b' },
      OTEL_RESOURCE_ATTRIBUTES: { 'deployment.environment.name': 'prod' },
    },
  });
});

test('faults are told by their variables, none with what it holds', () => {
  const settings = read({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:hunter2@otel:4318',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'otel:4317',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_HEADERS: 'hunter2',
    OTEL_RESOURCE_ATTRIBUTES: 'a=%zz',
    OTEL_TRACES_SAMPLER_ARG: '1.5',
  });
  const faults = settings.ok ? '' : settings.faults.join('\n');
  for (const name of ['ENDPOINT', 'TRACES_ENDPOINT', 'PROTOCOL', 'HEADERS']) {
    expect(faults).toMatch(new RegExp(`^OTEL_EXPORTER_OTLP_${name}: `, 'm'));
  }
  expect(faults).toMatch(/^OTEL_RESOURCE_ATTRIBUTES: /m);
  expect(faults).toMatch(/^OTEL_TRACES_SAMPLER_ARG: /m);
  expect(faults).not.toContain('hunter2');
});
