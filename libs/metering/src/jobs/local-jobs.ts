import type { Job, JobRunner } from './job';
import { JobRuns, type JobRunsOptions } from './job-runs';

export interface LocalJobsOptions extends JobRunsOptions {
  jobs: readonly Job[];
  /** The longest a job waits for its first turn; 5,000 by default. */
  firstTurnMs?: number;
}

const FIRST_TURN_MS = 5_000;
/** More than this a timer cannot wait: it would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Jobs by the timers of this process, which does all of them; a turn that comes while the last is in hand waits for it. */
export class LocalJobs implements JobRunner {
  private readonly runs: JobRuns;
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private started = false;

  constructor(private readonly options: LocalJobsOptions) {
    this.runs = new JobRuns(options);
  }

  start(): void {
    if (this.started || this.runs.stopped) return;
    this.started = true;
    const { jobs, firstTurnMs = FIRST_TURN_MS } = this.options;
    // Somewhere in the upper half of it: not all at once, and not while the process is still starting.
    for (const job of jobs) this.schedule(job, firstTurnMs * (0.5 + Math.random() / 2));
  }

  async stop(): Promise<void> {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    await this.runs.stop();
  }

  private schedule(job: Job, afterMs: number): void {
    const timer = setTimeout(() => void this.turn(job), Math.min(Math.max(afterMs, 0), TIMER_MAX_MS));
    this.timers.set(job.name, timer.unref());
  }

  private async turn(job: Job): Promise<void> {
    const startedAt = performance.now();
    // Told and counted by `runs`.
    await this.runs.run(job).catch(() => undefined);
    if (!this.runs.stopped) this.schedule(job, job.everyMs - (performance.now() - startedAt));
  }
}
