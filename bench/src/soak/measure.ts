import { Load, type Exchange } from '../load';
import { checkedExchange, measureRound, type NamedSubject } from '../measure';
import { nowMs } from '../now';
import { OpenLoad } from '../open-load';
import { residentMb } from '../process-memory';
import type { Scenario } from '../scenarios';
import { percentile } from '../statistics';
import type { SoakOptions } from './options';
import { Steering } from './steering';

export const scenario: Scenario = {
  name: 'anthropic → anthropic, 1 KB',
  ...{ client: 'anthropic', upstream: 'anthropic', bodyBytes: 1024, delivery: 'whole', concurrency: 32 },
};

export interface SoakWindow {
  /** Since the load began. */
  endedAtMs: number;
  requests: number;
  p50Ms: number;
  p99Ms: number;
  /** p99 of how late requests were sent. */
  latenessMs: number;
  /** Of the subject's core, 0 to 1; NaN where it is not told. */
  cpuShare: number;
}

/** Steps that finding the rate may take. */
const stepsMost = 20;
/** So many seconds' worth of calls may wait while a shared machine is slow; more, and the subject is stuck. */
const waitingSeconds = 10;

export interface SoakResult {
  /** Requests per second of the closed loop. */
  saturation: number;
  /** Of the load that follows, all in all. */
  perSecond: number;
  windows: SoakWindow[];
  /** Resident memory, with the time since the load began. */
  memory: { atMs: number; mb: number }[];
  /** What was behind the subject when the load ended took so long to work it off; NaN: nothing is behind it. */
  workedOffMs: number;
}

/** Finds what takes its share of the subject's core, then keeps that up. @throws on a reply that is not what it should be. */
export async function soak(
  side: NamedSubject,
  options: SoakOptions,
  onWindow: (window: SoakWindow) => void,
): Promise<SoakResult> {
  const { running } = side;
  const exchanges = [await checkedExchange(scenario, side)];
  const closed = new Load(running.port, exchanges, scenario.concurrency);
  await closed.run(options.warmUpMs);
  const { perSecond: saturation } = await measureRound(running, closed, options.saturationMs);
  closed.close();
  await running.untilIdle?.();
  const steering = new Steering((saturation * options.share) / 2, options.share);
  const step = (): Promise<Step> => runStep(side, exchanges, steering, options.stepMs);
  for (let steps = 0; steps < stepsMost && !steering.found; steps += 1) await step();
  const startedAtMs = nowMs();
  const memory = watchMemory(running.pid, startedAtMs, options.memorySpacingMs);
  const windows: SoakWindow[] = [];
  try {
    for (let index = 0; index < options.windows; index += 1) {
      const window = await runWindow(step, options, startedAtMs);
      windows.push(window);
      onWindow(window);
    }
  } finally {
    memory.stop();
  }
  const requests = windows.reduce((sum, window) => sum + window.requests, 0);
  const perSecond = Math.round((requests / (nowMs() - startedAtMs)) * 1000);
  return { saturation, perSecond, windows, memory: memory.seen, workedOffMs: await workOff(side) };
}

/** What one rate was good for. */
interface Step {
  latenciesMs: number[];
  latenessMs: number[];
  cpuMicros: number;
  tookMs: number;
}

async function runStep(
  { running }: NamedSubject,
  exchanges: readonly Exchange[],
  steering: Steering,
  stepMs: number,
): Promise<Step> {
  const load = new OpenLoad({
    port: running.port,
    exchanges,
    perSecond: Math.round(steering.perSecond),
    waitingSeconds,
  });
  const [cpuBefore, beganAtMs] = [await running.cpuMicros(), nowMs()];
  const { latenciesMs, latenessMs } = await load.run(stepMs);
  const [cpuMicros, tookMs] = [(await running.cpuMicros()) - cpuBefore, nowMs() - beganAtMs];
  steering.took(cpuMicros / 1000 / tookMs);
  return { latenciesMs, latenessMs, cpuMicros, tookMs };
}

async function runWindow(step: () => Promise<Step>, options: SoakOptions, startedAtMs: number): Promise<SoakWindow> {
  const steps: Step[] = [];
  while (steps.length * options.stepMs < options.windowMs) steps.push(await step());
  const latenciesMs = steps.flatMap((taken) => taken.latenciesMs);
  const sum = (of: 'cpuMicros' | 'tookMs'): number => steps.reduce((total, taken) => total + taken[of], 0);
  return {
    endedAtMs: nowMs() - startedAtMs,
    requests: latenciesMs.length,
    ...{ p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99) },
    latenessMs: percentile(
      steps.flatMap((taken) => taken.latenessMs),
      0.99,
    ),
    cpuShare: sum('cpuMicros') / 1000 / sum('tookMs'),
  };
}

async function workOff({ running }: NamedSubject): Promise<number> {
  if (running.untilIdle === undefined) return Number.NaN;
  const endedAtMs = nowMs();
  await running.untilIdle();
  return nowMs() - endedAtMs;
}

function watchMemory(pid: number, startedAtMs: number, spacingMs: number) {
  const seen: { atMs: number; mb: number }[] = [];
  const look = (): void => void seen.push({ atMs: nowMs() - startedAtMs, mb: residentMb(pid) });
  look();
  const timer = setInterval(look, spacingMs);
  return { seen, stop: () => clearInterval(timer) };
}
