/** The thread behind `ticker.ts`: sleeps until each moment is due, and says so. */
import { parentPort, workerData } from 'node:worker_threads';
import { nowMs } from './now';
import type { Schedule } from './ticker';

const { startMs, spacingMs, count } = workerData as Schedule;
const never = new Int32Array(new SharedArrayBuffer(4));

for (let index = 0; index < count; index += 1) {
  const leftMs = startMs + index * spacingMs - nowMs();
  if (leftMs > 0) Atomics.wait(never, 0, 0, leftMs);
  parentPort?.postMessage(index);
}
