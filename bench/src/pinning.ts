import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface Pinning {
  /** What to put before a subject's command line; empty: not pinned. */
  prefix: string[];
  description: string;
}

/** The subject gets one core to itself; this process, with load and upstream in it, moves to another. */
export function pinThisProcess(): Pinning {
  if (availableParallelism() < 2) return { prefix: [], description: 'not pinned: a single core for all' };
  const cores = allowedCores();
  const [ours, theirs] = [cores.at(-2), cores.at(-1)];
  if (ours === undefined || theirs === undefined) return { prefix: [], description: 'not pinned: no taskset here' };
  spawnSync('taskset', ['-a', '-p', '-c', String(ours), String(process.pid)]);
  return {
    prefix: ['taskset', '-c', String(theirs)],
    description: `subject on core ${theirs}, load and upstream on core ${ours}`,
  };
}

/** Numbers of the cores this process may run on; empty where `taskset` is missing. */
function allowedCores(): number[] {
  const { stdout, status } = spawnSync('taskset', ['-p', '-c', String(process.pid)], { encoding: 'utf8' });
  return status === 0 ? parseCoreList(stdout) : [];
}

/** Reads the list at the end of `pid 42's current affinity list: 0-2,5`. */
export function parseCoreList(text: string): number[] {
  const list = /([\d,-]+)\s*$/.exec(text)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
