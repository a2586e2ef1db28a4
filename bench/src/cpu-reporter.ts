/**
 * Preloaded into a subject (`node -r`): answers every message over IPC with the CPU time of the process so far, all its
 * threads, in microseconds. `/proc/<pid>/stat` counts the same in hundredths of a second, too coarse for short rounds.
 */
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.send !== undefined) {
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  // A subject does not outlive the benchmark, however that ended.
  process.on('disconnect', () => process.exit());
  // The subject must be able to end as if nobody asked.
  process.channel?.unref();
}
