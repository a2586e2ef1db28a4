import { setTimeout as delay } from 'node:timers/promises';
import { Load } from '../load';
import { alternate, type NamedSubject } from '../measure';
import { nowMs } from '../now';
import { residentMb } from '../process-memory';
import { percentile } from '../statistics';
import { wireRequest } from '../wire/requests';
import type { StreamsOptions } from './options';
import type { StampedUpstream } from './stamped-upstream';
import { StampReader } from './stamps';

/** One round at one side; delays in milliseconds, from the writing of a chunk at the upstream to its reading. */
export interface StreamRound {
  chunksPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
  /** Of the subject's core, 0 to 1; NaN where it is not told. */
  cpuShare: number;
  /** The most that was seen, in MB. */
  residentMb: number;
  /** By how much the upstream was late to write, p99: it is in the process that reads, too. */
  latenessMs: number;
}

export interface StreamSide {
  name: string;
  isGateway: boolean;
  rounds: StreamRound[];
}

const memorySpacingMs = 1000;
/** A chunk that takes longer is late in the figures all the same, but has to come. */
const flightMs = 500;
const openWithinMs = 15_000;
const openPollMs = 20;

/** Every side in turn. @throws when a chunk was lost, or the streams were not all open. */
export async function measureStreams(
  sides: readonly NamedSubject[],
  upstream: StampedUpstream,
  options: StreamsOptions,
  onRound: (name: string, round: StreamRound) => void,
): Promise<StreamSide[]> {
  const measured = sides.map((side) => {
    const result: StreamSide = { name: side.name, isGateway: side.isGateway ?? false, rounds: [] };
    return { side, result };
  });
  await alternate(measured, options.rounds, async ({ side, result }) => {
    const round = await measureRound(side, upstream, options);
    result.rounds.push(round);
    onRound(side.name, round);
    await side.running.untilIdle?.();
  });
  return measured.map(({ result }) => result);
}

async function measureRound(
  { name, running, caller }: NamedSubject,
  upstream: StampedUpstream,
  { streams, chunksPerSecond, rampMs, roundMs }: StreamsOptions,
): Promise<StreamRound> {
  const shape = { client: 'anthropic', upstream: 'anthropic', bodyBytes: 1024, streaming: true } as const;
  const exchange = { request: wireRequest({ ...shape, ...caller }, running.port), expected: { status: 200 } as const };
  const seen = new SeenChunks();
  const load = new Load(running.port, [exchange], streams, () => seen.watch());
  upstream.begin(chunksPerSecond);
  // Nothing is sent after that; it waits for the streams to be ended then.
  const ended = load.run(rampMs + roundMs);
  const measured = async () => {
    await allOpen(name, upstream, streams);
    await delay(rampMs);
    const figures = await Promise.all([seen.during(roundMs), cpuShareOf(running, roundMs)]);
    await delay(flightMs);
    return figures;
  };
  const memory = watchMemory(running.pid);
  try {
    const [delaysMs, cpuShare] = await Promise.race([
      measured(),
      ended.then(() => Promise.reject(new Error(`${name}: the streams ended early`))),
    ]);
    upstream.end();
    await ended;
    if (seen.count !== upstream.written) throw new Error(`${name}: ${upstream.written - seen.count} chunks were lost`);
    return { ...figuresOf(delaysMs, roundMs), cpuShare, residentMb: memory.most(), latenessMs: late(upstream) };
  } finally {
    upstream.end();
    memory.stop();
    load.close();
  }
}

function figuresOf(delaysMs: readonly number[], roundMs: number) {
  return {
    chunksPerSecond: delaysMs.length / (roundMs / 1000),
    ...{ p50Ms: percentile(delaysMs, 0.5), p99Ms: percentile(delaysMs, 0.99) },
    ...{ p999Ms: percentile(delaysMs, 0.999), maxMs: percentile(delaysMs, 1) },
  };
}

function late({ latenessMs }: StampedUpstream): number {
  return percentile(latenessMs, 0.99);
}

/** Resolves when all streams are open; rejects when they are not in time. */
async function allOpen(name: string, upstream: StampedUpstream, streams: number): Promise<void> {
  for (const givesUpAtMs = nowMs() + openWithinMs; upstream.open < streams; await delay(openPollMs)) {
    if (nowMs() > givesUpAtMs) throw new Error(`${name}: ${upstream.open} of ${streams} streams were open`);
  }
}

async function cpuShareOf(running: NamedSubject['running'], roundMs: number): Promise<number> {
  const [cpuBefore, startedAtMs] = [await running.cpuMicros(), nowMs()];
  await delay(roundMs);
  return ((await running.cpuMicros()) - cpuBefore) / 1000 / (nowMs() - startedAtMs);
}

function watchMemory(pid: number): { most: () => number; stop: () => void } {
  const seen: number[] = [];
  const timer = setInterval(() => seen.push(residentMb(pid)), memorySpacingMs);
  return { most: () => Math.max(...seen, residentMb(pid)), stop: () => clearInterval(timer) };
}

/** Chunks with a mark that came, and how long those took that were written in a window. */
class SeenChunks {
  count = 0;
  private delaysMs: number[] = [];
  private fromMs = Number.POSITIVE_INFINITY;
  private untilMs = 0;

  /** Of one connection. */
  watch(): (piece: Buffer) => void {
    const reader = new StampReader((stampMs) => this.note(stampMs));
    return (piece) => reader.push(piece);
  }

  /** Resolves when the window is over; chunks on their way then are added until the next begins. */
  async during(lengthMs: number): Promise<readonly number[]> {
    this.fromMs = nowMs();
    this.untilMs = this.fromMs + lengthMs;
    await delay(lengthMs);
    return this.delaysMs;
  }

  private note(stampMs: number): void {
    this.count += 1;
    if (stampMs >= this.fromMs && stampMs < this.untilMs) this.delaysMs.push(nowMs() - stampMs);
  }
}
