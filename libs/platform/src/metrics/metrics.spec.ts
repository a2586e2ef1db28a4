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

test('a tally is read from 0 on, in the unit of its name', async () => {
  const metrics = createMetrics();
  const cost = metrics.tally({ name: 'cost_usd_total', help: 'Cost.', labelNames: ['model'], unit: 1e-9 });
  const cell = cost.cell('m');
  expect(await metrics.registry.metrics()).toContain('switchboard_cost_usd_total{model="m"} 0');
  cell.count += 2_500_000_000;
  expect(await metrics.registry.metrics()).toContain('switchboard_cost_usd_total{model="m"} 2.5');
});

test('a distribution is exposed as prom-client exposes the same observations', async () => {
  const [ours, theirs] = [createMetrics(), createMetrics()];
  const declaration = { name: 'wait_seconds', help: 'Wait.', labelNames: ['kind'], buckets: [0.1, 0.5, 2] };
  const distribution = ours.distribution(declaration);
  const histogram = theirs.histogram<string>(declaration);
  for (const [kind, value] of [
    ['a', 0.1],
    ['a', 0.3],
    ['b', 7],
    ['a', 2.5],
    ['b', 0],
  ] as const) {
    distribution.cell(kind).observe(value);
    histogram.observe({ kind }, value);
  }
  const linesOf = async ({ registry }: typeof ours): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.includes('wait_seconds'));
  const sorted = (lines: string[]): string[] => lines.map((line) => line.replace(/\{(.*)\}/, sortedLabels)).sort();
  expect(sorted(await linesOf(ours))).toEqual(sorted(await linesOf(theirs)));
});

test('what is no longer kept leaves the exposition, and begins anew', async () => {
  const metrics = createMetrics();
  const calls = metrics.tally({ name: 'calls_total', help: 'Calls.', labelNames: ['model'] });
  const waits = metrics.standard.distribution({
    name: 'gen_ai_wait',
    help: 'Wait.',
    labelNames: ['model'],
    buckets: [1],
  });
  for (const model of ['gone', 'new']) {
    calls.cell(model).count++;
    waits.cell(model).observe(1);
  }
  for (const each of [calls, waits]) each.keepOnly(({ model }) => model === 'new');
  const exposition = await metrics.registry.metrics();
  expect(exposition).not.toContain('"gone"');
  expect(exposition).toContain('switchboard_calls_total{model="new"} 1');
  expect(exposition).toContain('gen_ai_wait_bucket{model="new",le="1"} 1');
  expect(calls.cell('gone').count).toBe(0);
});

function sortedLabels(_: string, labels: string): string {
  return labels.split(',').sort().join();
}
