import path from 'node:path';
import { Worker } from 'node:worker_threads';

export interface Schedule {
  /** Of the first moment, by `nowMs()`. */
  startMs: number;
  spacingMs: number;
  count: number;
}

/** What a thread takes to start, with room to spare. */
export const leadMs = 150;

/**
 * Calls `onTick` with the number of every moment when it is due. From a thread that sleeps: the event loop's timers know
 * whole milliseconds only, half of what a gateway takes, and a loop that spins takes the core from what is on it.
 *
 * @returns when the last was called, and how to stop before.
 */
export function tick(schedule: Schedule, onTick: (index: number) => void): { done: Promise<void>; stop: () => void } {
  const worker = new Worker(workerFile(), { workerData: schedule });
  const done = new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (index: number) => {
      onTick(index);
      if (index === schedule.count - 1) resolve();
    });
  });
  return { done, stop: () => void worker.terminate() };
}

/** Threads run what was built, also where the tests run the sources. */
function workerFile(): string {
  return path.join(__filename.endsWith('.ts') ? path.join(__dirname, '../dist') : __dirname, 'ticker-worker.js');
}
