import { readdirSync, readFileSync } from 'node:fs';

const nanosPerMicro = 1000;

/**
 * CPU time of another process so far, user and system, all its threads, in microseconds: what the scheduler has counted,
 * to the nanosecond. Threads that have ended are not in it. NaN where the system has no such file.
 *
 * @throws when there is no such process.
 */
export function cpuMicrosOf(pid: number): number {
  if (!isTold()) return Number.NaN;
  let nanos = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) nanos += threadNanos(pid, thread);
  return nanos / nanosPerMicro;
}

/** Whether Linux counts it: its first process has run by now. */
export function isTold(): boolean {
  return threadNanos('self', String(process.pid)) > 0;
}

/** 0 for one that ended while we looked. */
function threadNanos(pid: number | 'self', thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
  } catch {
    return 0;
  }
}
