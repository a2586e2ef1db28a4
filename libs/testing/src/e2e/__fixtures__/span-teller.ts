/**
 * Tells spans as its environment says, for the tests of tracing: ROUNDS times SPANS of them, ROUND_MS apart, then closes and
 * prints what the metrics say. A process of its own, since the exporter loads its transport in a way that tests cannot.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, createMetrics, openTracing, readSettings, tracingSettings } from '@switchboard/platform';

const { env } = process;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

async function main(): Promise<void> {
  const read = readSettings(tracingSettings, env);
  if (!read.ok) throw new Error(read.faults.join());
  const log = createLogger({ level: 'info', name: 'test' });
  const metrics = createMetrics();
  const tracing = await openTracing({ settings: { ...read.settings, INSTANCE: 'one' }, service: 'edge-api', log, metrics });
  for (let round = 0; round < Number(env['ROUNDS'] ?? 1); round++) {
    for (let span = 0; span < Number(env['SPANS'] ?? 1); span++) {
      const endedMs = performance.now() - 5_000;
      tracing?.record({
        ...{ traceId: TRACE, spanId: '00f067aa0ba902b7', parentSpanId: '53995c3f42cd8ad8', traceState: 'a=b' },
        ...{ name: 'work', kind: 'client', startedMs: endedMs - 40.5, endedMs, error: 'timeout' },
        attributes: { text: 'x', count: 3, flag: true, list: ['a', 'b'], absent: undefined },
      });
    }
    await delay(Number(env['ROUND_MS'] ?? 0));
  }
  const beganMs = performance.now();
  await tracing?.close();
  const closedMs = performance.now() - beganMs;
  const told = { opened: tracing !== undefined, closedMs, metrics: await metrics.registry.metrics() };
  process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
}

void main();
