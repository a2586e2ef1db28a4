import { environmentOf, namesIn, podOf, renderChart } from '@switchboard/testing';
import { readRouterSettings } from './config';

it('the chart sets every variable that the router reads, and none that it does not', async () => {
  const env = environmentOf(podOf(await renderChart(), 'router'), { NATS_URL: 'nats://token@nats:4222' });
  const read = readRouterSettings(env);
  expect(read).toMatchObject({ ok: true, settings: { ADMIN_PORT: 9090, NATS_URL: 'nats://token@nats:4222' } });
  expect(namesIn(env)).toEqual(namesIn(read.ok ? read.settings : {}));
});
