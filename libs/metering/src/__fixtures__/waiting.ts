import { setTimeout as delay } from 'node:timers/promises';
import type { Metrics } from '@switchboard/platform';

export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it did not happen in time: ${condition.toString()}`);
    await delay(10);
  }
}

/** The value of a metric without labels. */
export async function metricOf(metrics: Metrics, name: string): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(`switchboard_${name}`)?.get();
  return metric?.values[0]?.value ?? NaN;
}
