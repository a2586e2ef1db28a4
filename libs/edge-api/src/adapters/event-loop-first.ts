import { readdir } from 'node:fs/promises';
import os from 'node:os';
import type { Logger } from '@switchboard/platform';

/** What the other threads add to the process's nice value: they get a tenth of a core that the event loop wants, too. */
const NICER_BY = 10;
const NICEST = 19;

/**
 * For an edge once it serves: its event loop goes before the threads there are beside it, V8's that compile and collect, the
 * pool that syncs files and looks up names, the one that counts tokens. By itself Linux gives each the same share, and on
 * few cores the loop waits for all of them, above all while a new process's code is compiled: docs/adr/0023-event-loop-first.md.
 *
 * Only on Linux, where a thread has a nice value of its own (setpriority(2), "C library/kernel differences"); elsewhere
 * nothing is done.
 */
export async function letEventLoopGoFirst(log: Pick<Logger, 'warn'>): Promise<void> {
  if (process.platform !== 'linux') return;
  try {
    const nice = Math.min(NICEST, os.getPriority() + NICER_BY);
    // Read by the pool, so that its threads are there, all of them.
    const threads = (await readdir('/proc/self/task')).map(Number);
    for (const id of threads) if (id !== process.pid) setNice(id, nice);
  } catch (error) {
    log.warn({ err: error }, 'the event loop has no priority over other threads');
  }
}

function setNice(thread: number, nice: number): void {
  try {
    os.setPriority(thread, nice);
  } catch (error) {
    if (!hasEnded(error)) throw error;
  }
}

/** Of a thread that was listed, but is no more. */
const hasEnded = (error: unknown): boolean => (error as { info?: { code?: string } }).info?.code === 'ESRCH';
