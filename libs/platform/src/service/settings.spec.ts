import { z } from 'zod';
import { listSetting, optionalText, portSetting, readServiceSettings, readSettings } from './settings';

test('a service without any variable has a private port on every interface, NATS on this machine and a name of its own', () => {
  const read = readServiceSettings({}, {});
  expect(read).toMatchObject({
    ok: true,
    settings: {
      ADMIN_PORT: 9090,
      ADMIN_HOST: '0.0.0.0',
      LOG_LEVEL: 'info',
      NATS_URL: 'nats://127.0.0.1:4222',
      NATS_REPLICAS: 1,
      INSTANCE: expect.stringMatching(new RegExp(`^[A-Za-z0-9_-]+-${process.pid}$`)),
    },
  });
});

test('the service’s own settings stand beside the shared ones, and may replace their defaults', () => {
  const shape = { PORT: portSetting(8080), ADMIN_PORT: portSetting(9091), REDIS_URL: optionalText };
  const read = readServiceSettings(shape, { PORT: '80', UNKNOWN: 'x' });
  expect(read).toMatchObject({ ok: true, settings: { PORT: 80, ADMIN_PORT: 9091, LOG_LEVEL: 'info' } });
});

test('every fault is told at once, by its variable and without its value', () => {
  const env = {
    ADMIN_PORT: '99999',
    LOG_LEVEL: 'loud',
    NATS_URL: 'http://user:hunter2@nats',
    INSTANCE: 'a.b',
    PORT: 'eighty',
  };
  const read = readServiceSettings({ PORT: portSetting(8080), DATABASE_URL: z.string() }, env);
  expect(read).toEqual({
    ok: false,
    faults: [
      expect.stringMatching(/^ADMIN_PORT: /),
      expect.stringMatching(/^LOG_LEVEL: /),
      'NATS_URL: must be nats://host:port or tls://host:port',
      expect.stringMatching(/^INSTANCE: must be/),
      expect.stringMatching(/^PORT: /),
      'DATABASE_URL: required',
    ],
  });
  expect(JSON.stringify(read)).not.toContain('hunter2');
});

test.each(['nats://a:4222,nats://b:4222', 'tls://nats.svc:4222'])('NATS may be at %s', (url) => {
  expect(readServiceSettings({}, { NATS_URL: url })).toMatchObject({ settings: { NATS_URL: url } });
});

test('a variable that is set and blank counts as not set', () => {
  expect(readSettings({ PORT: portSetting(8080), LIST: listSetting }, { PORT: ' ', LIST: '' })).toEqual({
    ok: true,
    settings: { PORT: 8080, LIST: [] },
  });
  expect(readSettings({ LIST: listSetting }, { LIST: ' a, ,b ' })).toEqual({
    ok: true,
    settings: { LIST: ['a', 'b'] },
  });
});
