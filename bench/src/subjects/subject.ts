import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { CpuProfile } from '../budget/cpu-profile';
import type { Scenario } from '../scenarios';
import type { Caller } from '../wire/requests';
import { profilingEnvironment } from './profile-client';

export interface SubjectContext {
  /** Where the canned upstream listens, on 127.0.0.1. */
  upstreamPort: number;
  /** Command words that pin what follows them to a core; may be empty. */
  pinPrefix: readonly string[];
  /** Takes what the process with this id has started off its core. */
  moveDescendants(pid: number): void;
  /** Puts the process with this id, with all its threads, on the subject's core. */
  moveSubject(pid: number): void;
  /** An empty folder of the subject's own. */
  folder: string;
  /** Where to put a CPU profile; absent: take none. */
  profileFolder?: string;
  /** Path of a Unix socket at which CPU profiles are to be had; absent: none are. */
  profileSocket?: string;
}

/** Something between a client and an upstream, in a Node process of its own. */
export interface Subject {
  name: string;
  /** Whether it is ours, and our targets are its. */
  isGateway: boolean;
  /** Whether it is another's gateway, that ours is compared with. */
  isPeer?: boolean;
  /** Whether a scenario can be measured at it; absent: all can. */
  can?(scenario: Pick<Scenario, 'client' | 'upstream'>): boolean;
  start(context: SubjectContext): Promise<RunningSubject>;
}

export interface RunningSubject {
  port: number;
  pid: number;
  /** How it wants to be called; absent: as every subject is. */
  caller?: Caller;
  /** CPU time of the process so far, user and system, in microseconds; NaN where the system does not tell. */
  cpuMicros(): Promise<number>;
  /** Resolves when what it puts off until after a reply is done; absent: a moment has to do. */
  settled?(): Promise<void>;
  /** Resolves when what is behind it, on the core of the load, has worked off what was put to it; absent: nothing is. */
  untilIdle?(): Promise<void>;
  /** From then on what is behind it goes last on the core of the load; absent: nothing is. */
  letLoadGoFirst?(): void;
  /** Begins a CPU profile, and resolves to what ends it; absent: none is to be had. */
  profile?(): Promise<() => Promise<CpuProfile>>;
  /** What a reader of its figures has to know, when they were measured. */
  remarks?(): string[];
  stop(): Promise<void>;
}

const stopWithinMs = 10_000;

/** What of it starting a process takes. */
export type ProcessContext = Pick<SubjectContext, 'pinPrefix' | 'folder' | 'profileFolder' | 'profileSocket'>;

/** Starts `script` in Node, pinned and able to tell its CPU time. Its stderr is ours; its stdout is dropped. */
export function startNode(
  script: string,
  env: Record<string, string>,
  context: ProcessContext,
  args: readonly string[] = [],
): SubjectProcess {
  const profiling =
    context.profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${context.profileFolder}`];
  const reporter = path.join(__dirname, '..', 'cpu-reporter.js');
  const words = [...context.pinPrefix, process.execPath, '-r', reporter, ...profiling, script, ...args];
  const child = spawn(words[0] ?? process.execPath, words.slice(1), {
    cwd: context.folder,
    env: {
      ...{ PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...env },
      ...(context.profileSocket === undefined ? {} : profilingEnvironment(context.profileSocket, script)),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new SubjectProcess(child, path.basename(script));
}

export class SubjectProcess {
  constructor(
    private readonly child: ChildProcess,
    private readonly name: string,
  ) {}

  get pid(): number {
    return this.child.pid ?? -1;
  }

  cpuMicros(): Promise<number> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`${this.name} is gone`));
      this.child.once('exit', onExit);
      this.child.once('message', (micros) => {
        this.child.off('exit', onExit);
        resolve(Number(micros));
      });
      this.child.send('cpu', (error) => {
        if (error) reject(error);
      });
    });
  }

  /** Calls `attempt` until it resolves. Rejects when the process ends, or after `withinMs`. */
  async ready(attempt: () => Promise<void>, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`${this.name} ended with code ${this.child.exitCode}`);
      const fault = await attempt().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (fault === undefined) return;
      if (Date.now() > deadline) throw new Error(`${this.name} was not ready within ${withinMs} ms`, { cause: fault });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** SIGTERM, so that a profile is written; SIGKILL where that does not help. */
  async stop(withinMs = stopWithinMs): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    const timer = setTimeout(() => this.child.kill('SIGKILL'), withinMs);
    this.child.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
  }
}
