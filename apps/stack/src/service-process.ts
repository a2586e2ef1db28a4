import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpProbe } from './http-probe';

export interface LaunchPlan {
  name: string;
  replica: number;
  /** The script for Node to run, and its environment, whole. */
  script: string;
  env: NodeJS.ProcessEnv;
  /** Both streams go there; closed here once the process has it. */
  logDescriptor: number;
  /** Where its clients reach it. */
  port: number;
  url: string;
  adminUrl?: string;
  /** Answers 200 while it is ready. */
  readinessUrl: string;
}

const POLL_MS = 200;

/** One process of a service from its start to its end. */
export class ServiceProcess {
  ready = false;
  draining = false;
  /** Resolves, with how, when it has ended or could not be started at all. */
  readonly ended: Promise<string>;
  private readonly child: ChildProcess;
  private alive = true;

  constructor(
    readonly plan: LaunchPlan,
    private readonly changed: () => void,
  ) {
    this.child = spawn(process.execPath, [plan.script], {
      env: plan.env,
      // A group of its own: Ctrl-C in the terminal is for the supervisor, which stops things in order.
      detached: true,
      stdio: ['ignore', plan.logDescriptor, plan.logDescriptor],
    });
    closeSync(plan.logDescriptor);
    this.ended = new Promise<string>((resolve) => {
      this.child.once('error', (error) => resolve(error.message));
      this.child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
    }).finally(() => {
      this.alive = false;
      this.ready = false;
    });
    void this.poll();
  }

  /** Undefined where it could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  get port(): number {
    return this.plan.port;
  }

  get running(): boolean {
    return this.alive;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.alive) this.child.kill(signal);
  }

  /** No new work; what it has in hand it finishes, however long that takes. */
  drain(): void {
    this.draining = true;
    this.signal('SIGTERM');
  }

  /** False when it ended before, or did not become ready in time. */
  async untilReady(limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (this.alive && !this.ready && performance.now() < deadline) await delay(25);
    return this.ready;
  }

  private async poll(): Promise<void> {
    const probe = new HttpProbe(this.plan.readinessUrl);
    while (this.alive && !this.draining) {
      const ready = await probe.answers();
      // It may have ended, or been told to, while it was asked.
      if (this.alive && ready !== this.ready) {
        this.ready = ready;
        this.changed();
      }
      await delay(POLL_MS);
    }
    probe.close();
  }
}
