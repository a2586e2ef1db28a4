import { setTimeout as delay } from 'node:timers/promises';
import type { Logger, Metrics } from '@switchboard/platform';
import { Outage } from '../outage';
import type { Job } from './job';
import { type JobMetrics, registerJobMetrics } from './job-metrics';

export interface JobRunsOptions {
  log: Logger;
  metrics: Metrics;
  /** After how long a run that is told to end and does not is left behind; 2,000 by default. */
  stopPatienceMs?: number | undefined;
}

const STOP_PATIENCE_MS = 2_000;

/** The runs of jobs in this process, whoever says when: counted, and told where they fail. */
export class JobRuns {
  private readonly metrics: JobMetrics;
  private readonly stopping = new AbortController();
  private readonly outages = new Map<string, Outage>();
  private readonly inHand = new Map<string, Promise<void>>();

  constructor(private readonly options: JobRunsOptions) {
    this.metrics = registerJobMetrics(options.metrics);
  }

  get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  isInHand(job: Job): boolean {
    return this.inHand.has(job.name);
  }

  /**
   * @returns whether it was done; false: the end of the process came in between.
   * @throws what the job rejected with; it is told and counted already.
   */
  async run(job: Job): Promise<boolean> {
    const run = this.measured(job);
    const ended = run.then(
      () => undefined,
      () => undefined,
    );
    this.inHand.set(job.name, ended);
    try {
      return await run;
    } finally {
      this.inHand.delete(job.name);
    }
  }

  /** Tells the runs in hand to end, and resolves when they have, or after the patience for it. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const patience = new AbortController();
    const { log, stopPatienceMs = STOP_PATIENCE_MS } = this.options;
    const enough = delay(stopPatienceMs, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.inHand.values()), enough]);
    patience.abort();
    for (const job of this.inHand.keys()) log.warn({ job }, 'a job does not end and is left behind');
  }

  private async measured(job: Job): Promise<boolean> {
    const { runs, seconds, lastSuccess } = this.metrics;
    runs.inc({ job: job.name, result: 'failed' }, 0);
    const timed = seconds.startTimer({ job: job.name });
    try {
      await job.run(this.stopping.signal);
      if (this.stopped) return this.wasStopped(job);
      runs.inc({ job: job.name, result: 'done' });
      lastSuccess.set({ job: job.name }, Date.now() / 1_000);
      this.outageOf(job).succeeded();
      return true;
    } catch (error) {
      if (this.stopped) return this.wasStopped(job);
      runs.inc({ job: job.name, result: 'failed' });
      this.outageOf(job).failed(error, { job: job.name });
      throw error;
    } finally {
      timed();
    }
  }

  private wasStopped(job: Job): false {
    this.metrics.runs.inc({ job: job.name, result: 'stopped' });
    return false;
  }

  private outageOf(job: Job): Outage {
    const words = {
      lost: `the job ${job.name} failed, and is tried again at its next turn`,
      back: `the job ${job.name} is done again`,
    };
    let outage = this.outages.get(job.name);
    if (outage === undefined) this.outages.set(job.name, (outage = new Outage(this.options.log, words)));
    return outage;
  }
}
