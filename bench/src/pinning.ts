import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

export interface Pinning {
  /** What to put before a subject's command line; empty: not pinned. */
  prefix: string[];
  /** Moves what a subject has started (its database) to this process's core: it is not what is measured. */
  moveDescendants(pid: number): void;
  /** Gives the subject's core to a process that was not started by us, and so could not be given the prefix. */
  moveSubject(pid: number): void;
  description: string;
}

const unpinned = (why: string): Pinning => ({
  prefix: [],
  moveDescendants: () => undefined,
  moveSubject: () => undefined,
  description: `not pinned: ${why}`,
});

/** The subject gets one core to itself; this process, with load and upstream in it, moves to another. */
export function pinThisProcess(): Pinning {
  if (availableParallelism() < 2) return unpinned('a single core for all');
  const cores = allowedCores();
  const [ours, theirs] = [cores.at(-2), cores.at(-1)];
  if (ours === undefined || theirs === undefined) return unpinned('no taskset here');
  const move = (pid: number, core: number): void => {
    spawnSync('taskset', ['-a', '-p', '-c', String(core), String(pid)]);
  };
  const moveHere = (pid: number): void => move(pid, ours);
  moveHere(process.pid);
  return {
    prefix: ['taskset', '-c', String(theirs)],
    moveDescendants: (pid) => descendants(pid).forEach(moveHere),
    moveSubject: (pid) => move(pid, theirs),
    description: `subject on core ${theirs}; load, upstream and databases on core ${ours}`,
  };
}

/** Children, and theirs, of a process on Linux. */
export function descendants(pid: number): number[] {
  const children = childrenOf(pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
    return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  } catch {
    // Ended while we looked: then it takes no core either.
    return [];
  }
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
