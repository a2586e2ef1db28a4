import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, createMetrics, type Logger, type Metrics } from '@switchboard/platform';
import { until } from '../__fixtures__/waiting';
import type { Job, JobRunner } from './job';

export interface RunnerTools {
  jobs: Job[];
  log: Logger;
  metrics: Metrics;
  stopPatienceMs: number;
}

/** A job that keeps count of itself. */
export function counting(name: string, everyMs: number, work: Job['run'] = () => Promise.resolve()) {
  const counts = { runs: 0, atOnce: 0, atOnceMost: 0 };
  const run: Job['run'] = async (signal) => {
    counts.runs++;
    counts.atOnceMost = Math.max(counts.atOnceMost, ++counts.atOnce);
    try {
      await work(signal);
    } finally {
      counts.atOnce--;
    }
  };
  return { name, everyMs, run, counts };
}

export const untilAborted = async (signal: AbortSignal): Promise<void> => void (await once(signal, 'abort'));

/** What holds for every JobRunner: `open` makes one that has not started, on a world without any turn behind it. */
export function describeJobRunner(open: (tools: RunnerTools) => JobRunner): void {
  let lines: Record<string, unknown>[];
  let metrics: Metrics;
  let runner: JobRunner | undefined;

  beforeEach(() => {
    lines = [];
    metrics = createMetrics();
  });

  afterEach(() => runner?.stop());

  const start = (...jobs: Job[]): JobRunner => {
    const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(JSON.parse(line)) });
    runner = open({ jobs, log, metrics, stopPatienceMs: 300 });
    runner.start();
    return runner;
  };

  const told = () => lines.map(({ msg }) => String(msg)).filter((text) => text.includes('job'));

  const counted = async (name: string): Promise<Record<string, number>> => {
    const metric = await metrics.registry.getSingleMetric(name)!.get();
    return Object.fromEntries(metric.values.map(({ labels, value }) => [Object.values(labels).join(), value]));
  };

  test('a job has its first turn soon, and one each time its interval has passed', async () => {
    const often = counting('often', 100);
    const seldom = counting('seldom', 3_600_000);
    const startedAt = performance.now();
    start(often, seldom);
    await until(() => often.counts.runs >= 5 && seldom.counts.runs === 1);
    expect(performance.now() - startedAt).toBeGreaterThan(300);
    expect(seldom.counts.runs).toBe(1);
    expect((await counted('switchboard_jobs_total'))['seldom,done']).toBe(1);
    expect((await counted('switchboard_job_last_success_timestamp_seconds'))['seldom']).toBeGreaterThan(1e9);
  });

  test('a job that takes longer than its interval never runs twice at once, and holds back no other', async () => {
    const long = counting('long', 20, () => delay(150));
    const other = counting('other', 50);
    start(long, other);
    await until(() => long.counts.runs >= 3);
    expect(long.counts.atOnceMost).toBe(1);
    expect(other.counts.runs).toBeGreaterThan(3);
  });

  test('a failure is counted each time, told once with its reason, and once when it is over', async () => {
    let works = false;
    const fragile = counting('fragile', 20, () => (works ? Promise.resolve() : Promise.reject(new Error('no disk'))));
    start(fragile);
    await until(() => fragile.counts.runs > 3);
    works = true;
    await until(() => told().length > 1);
    expect(told()).toEqual([
      'the job fragile failed, and is tried again at its next turn',
      'the job fragile is done again',
    ]);
    expect(lines.find(({ level }) => level === 'warn')).toMatchObject({ job: 'fragile', err: { message: 'no disk' } });
    expect((await counted('switchboard_jobs_total'))['fragile,failed']).toBeGreaterThan(2);
  });

  test('a stop tells the run in hand to end and waits for it; nothing runs from then on', async () => {
    let ended = false;
    const long = counting('long', 20, async (signal) => {
      await untilAborted(signal);
      await delay(50);
      ended = true;
    });
    const often = counting('often', 20);
    const running = start(long, often);
    await until(() => long.counts.runs === 1);
    await running.stop();
    expect(ended).toBe(true);
    const before = often.counts.runs;
    await delay(100);
    expect([long.counts.runs, often.counts.runs]).toEqual([1, before]);
    expect((await counted('switchboard_jobs_total'))['long,stopped']).toBe(1);
    expect(told()).toEqual([]);
  });

  test('a run that does not end is left behind, and told of', async () => {
    let release = (): void => undefined;
    const deaf = counting('deaf', 20, () => new Promise((resolve) => (release = resolve)));
    const running = start(deaf);
    await until(() => deaf.counts.runs === 1);
    const startedAt = performance.now();
    await running.stop();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(told()).toEqual(['a job does not end and is left behind']);
    release();
    runner = undefined;
  });
}
