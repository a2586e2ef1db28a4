import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import type { Pinning } from './pinning';

/** What a reader of figures has to know to judge them. */
export interface RunDescription {
  /** Of the run; part of a file name. */
  name: string;
  /** RFC 3339. */
  startedAt: string;
  commit: string;
  node: string;
  cpu: string;
  pinning: string;
  /** Load average of the last minute: what else the machine was doing. */
  loadBefore: number;
}

export function describeRun(name: string, pinning: Pinning): RunDescription {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: __dirname, encoding: 'utf8' });
  return {
    name,
    startedAt: new Date().toISOString(),
    commit: commit.status === 0 ? commit.stdout.trim() : 'unknown',
    node: process.versions.node,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`,
    pinning: pinning.description,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** One line and a half of a page. */
export function runLines({ startedAt, commit, node, cpu, pinning, loadBefore }: RunDescription): string {
  return `${startedAt}, commit ${commit}, Node ${node}, ${cpu}; ${pinning}; load average before\n${loadBefore}`;
}
