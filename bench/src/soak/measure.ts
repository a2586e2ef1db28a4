import { Load } from '../load';
import { checkedExchange, measureRound, type NamedSubject } from '../measure';
import { nowMs } from '../now';
import { OpenLoad } from '../open-load';
import { residentMb } from '../process-memory';
import type { Scenario } from '../scenarios';
import { percentile } from '../statistics';
import type { SoakOptions } from './options';

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

export interface SoakResult {
  /** Requests per second of the closed loop, and of the load that follows. */
  saturation: number;
  perSecond: number;
  windows: SoakWindow[];
  /** Resident memory, with the time since the load began. */
  memory: { atMs: number; mb: number }[];
  /** What was behind the subject when the load ended took so long to work it off; NaN: nothing is behind it. */
  workedOffMs: number;
}

/** Finds what gets through, then keeps a share of it up. @throws on a reply that is not what it should be. */
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
  await running.untilIdle?.();
  const perSecond = Math.max(1, Math.floor(saturation * options.share));
  const load = new OpenLoad({ port: running.port, exchanges, perSecond });
  const startedAtMs = nowMs();
  const memory = watchMemory(running.pid, startedAtMs, options.memorySpacingMs);
  const windows: SoakWindow[] = [];
  try {
    for (let index = 0; index < options.windows; index += 1) {
      const window = await runWindow(side, load, options.windowMs, startedAtMs);
      windows.push(window);
      onWindow(window);
    }
  } finally {
    memory.stop();
  }
  return { saturation, perSecond, windows, memory: memory.seen, workedOffMs: await workOff(side) };
}

async function runWindow(
  { running }: NamedSubject,
  load: OpenLoad,
  windowMs: number,
  startedAtMs: number,
): Promise<SoakWindow> {
  const [cpuBefore, beganAtMs] = [await running.cpuMicros(), nowMs()];
  const { latenciesMs, latenessMs } = await load.run(windowMs);
  const tookMs = nowMs() - beganAtMs;
  return {
    endedAtMs: nowMs() - startedAtMs,
    requests: latenciesMs.length,
    ...{ p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99) },
    latenessMs: percentile(latenessMs, 0.99),
    cpuShare: ((await running.cpuMicros()) - cpuBefore) / 1000 / tookMs,
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
