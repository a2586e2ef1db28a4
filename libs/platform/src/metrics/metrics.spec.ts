import { createMetrics } from './metrics';

test('a feature metric carries the prefix and is in the exposition', async () => {
  const metrics = createMetrics();
  metrics.counter<'result'>({ name: 'calls_total', help: 'Calls.', labelNames: ['result'] }).inc({ result: 'ok' }, 2);
  expect(await metrics.registry.metrics()).toContain('switchboard_calls_total{result="ok"} 2');
});

test('the process metrics, event-loop delay among them, are there from the start', async () => {
  const exposition = await createMetrics().registry.metrics();
  expect(exposition).toContain('nodejs_eventloop_lag_p99_seconds');
  expect(exposition).toContain('process_cpu_user_seconds_total');
});

test('a name declared twice is refused', () => {
  const metrics = createMetrics();
  metrics.gauge({ name: 'depth', help: 'Depth.' });
  expect(() => metrics.gauge({ name: 'depth', help: 'Depth.' })).toThrow('already been registered');
});

test('two registries do not share metrics', () => {
  createMetrics().gauge({ name: 'depth', help: 'Depth.' });
  expect(() => createMetrics().gauge({ name: 'depth', help: 'Depth.' })).not.toThrow();
});

test('a tally is read as a counter, each combination of labels summed over all readings', async () => {
  const metrics = createMetrics();
  const calls = metrics.tally({ name: 'calls_total', help: 'Calls.', labelNames: ['provider', 'result'] });
  calls.cell('a', 'ok').count += 2;
  calls.cell('b', 'ok').count++;
  expect(await metrics.registry.metrics()).toContain('switchboard_calls_total{provider="a",result="ok"} 2');
  calls.cell('a', 'ok').count++;
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain('switchboard_calls_total{provider="a",result="ok"} 3');
  expect(exposition).toContain('switchboard_calls_total{provider="b",result="ok"} 1');
});
