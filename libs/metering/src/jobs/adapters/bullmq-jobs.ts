import { setTimeout as delay } from 'node:timers/promises';
import type { HealthCheck } from '@switchboard/contracts';
import { openPatientRedis, type Redis, redisHealth } from '@switchboard/platform';
import { type Job as Turn, Queue, type QueueOptions, WaitingError, Worker } from 'bullmq';
import { Outage } from '../../outage';
import type { Job, JobRunner } from '../job';
import { JobRuns, type JobRunsOptions } from '../job-runs';

export interface BullmqJobsOptions extends JobRunsOptions {
  redisUrl: string;
  jobs: readonly Job[];
  /** How long a process may be silent about a run before it is taken for dead and another does it; 30,000 by default. */
  lockMs?: number;
}

/** A job has a queue of its own, in which one run is active at most; the worker is this process's part in it. */
interface Lane {
  job: Job;
  queue: Queue;
  worker: Worker;
}

/** The braces put all keys into one slot of a Redis Cluster, as scripts over several of them need. */
export const JOBS_PREFIX = '{switchboard:jobs}';
/** A set: the jobs that have a queue. */
const NAMES = `${JOBS_PREFIX}:names`;
const LOCK_MS = 30_000;
/** Repeated, for Redis may have lost what it knew without having been away. */
const REGISTRATION_INTERVAL_MS = 60_000;
const CLOSE_PATIENCE_MS = 1_000;
/** For a person to look at, and no more. */
const KEPT = { count: 10 };
const EVENTS_MAX = 100;
/** A run whose process dies is done again; one that kills every process that takes it is not, until its next turn. */
const STALLS_MAX = 5;

/**
 * Jobs by BullMQ: of all processes on one Redis one runs each turn, and never two a job at once, as long as those that run
 * tell of themselves. What a process that died had in hand another does again. While Redis is away no turn begins; a turn
 * that passed meanwhile comes once, late.
 */
export class BullmqJobs implements JobRunner {
  readonly health: HealthCheck;
  private readonly redis: Redis;
  private readonly runs: JobRuns;
  private readonly outage: Outage;
  private lanes: readonly Lane[] = [];
  private registering: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: BullmqJobsOptions) {
    const { redisUrl, log } = options;
    this.redis = openPatientRedis({ url: redisUrl, log, name: 'jobs' });
    // Each worker listens to it.
    this.redis.setMaxListeners(0);
    this.health = redisHealth(this.redis, { required: false });
    this.runs = new JobRuns(options);
    this.outage = new Outage(log, { lost: 'jobs are not scheduled as they should be', back: 'jobs are scheduled' });
  }

  start(): void {
    if (this.timer !== undefined || this.runs.stopped) return;
    this.timer = setInterval(() => void this.register(), REGISTRATION_INTERVAL_MS).unref();
    this.lanes = this.options.jobs.map((job) => this.open(job));
    this.redis.on('ready', () => void this.register());
    void this.register();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const { worker } of this.lanes) void worker.pause(true);
    await this.runs.stop();
    await Promise.all(this.lanes.map((lane) => this.close(lane)));
    // Not waiting for what is asked of it: from a server that is away no end of that comes either.
    this.redis.disconnect();
  }

  private get shared(): Pick<QueueOptions, 'connection' | 'prefix'> {
    return { connection: this.redis, prefix: JOBS_PREFIX };
  }

  private open(job: Job): Lane {
    const { lockMs = LOCK_MS } = this.options;
    const queue = new Queue(job.name, { ...this.shared, streams: { events: { maxLen: EVENTS_MAX } } });
    const worker = new Worker(job.name, (turn, token) => this.take(job, turn, token), {
      ...this.shared,
      concurrency: 1,
      lockDuration: lockMs,
      stalledInterval: lockMs / 2,
      maxStalledCount: STALLS_MAX,
      runRetryDelay: 1_000,
      removeOnComplete: KEPT,
      removeOnFail: KEPT,
    });
    const failed = (error: Error): void => this.failed(error);
    queue.on('error', failed);
    worker.on('error', failed);
    return { job, queue, worker };
  }

  private async take(job: Job, turn: Turn, token: string | undefined): Promise<void> {
    if (await this.runs.run(job)) return;
    // Another replica does it, at once.
    await turn.moveToWait(token);
    throw new WaitingError();
  }

  /** Idempotent, and the same from every replica: a turn that is due stays due, and when the next comes does not move. */
  private register(): Promise<void> {
    this.registering ??= this.registerAll()
      .then(
        () => this.outage.succeeded(),
        (error: unknown) => this.failed(error),
      )
      .finally(() => (this.registering = undefined));
    return this.registering;
  }

  private async registerAll(): Promise<void> {
    for (const { job, queue } of this.lanes) {
      await queue.setGlobalConcurrency(1);
      await queue.upsertJobScheduler(job.name, { every: job.everyMs }, { name: job.name });
    }
    const names = this.lanes.map(({ job }) => job.name);
    const gone = (await this.redis.smembers(NAMES)).filter((name) => !names.includes(name));
    for (const name of gone) await this.retire(name);
    if (names.length > 0) await this.redis.sadd(NAMES, ...names);
  }

  /** A replica of an older release may bring it back, and is then not there for long. */
  private async retire(name: string): Promise<void> {
    const queue = new Queue(name, { ...this.shared, skipMetasUpdate: true });
    queue.on('error', (error) => this.failed(error));
    await queue.removeJobScheduler(name);
    await queue.obliterate({ force: true });
    await queue.close();
    await this.redis.srem(NAMES, name);
    this.options.log.info({ job: name }, 'a job that is there no longer is not scheduled any more');
  }

  private failed(error: unknown): void {
    // Of outages `openPatientRedis` tells, once for all connections.
    if (this.runs.stopped || this.redis.status !== 'ready' || isOfConnection(error)) return;
    this.outage.failed(error);
  }

  private async close({ job, queue, worker }: Lane): Promise<void> {
    // What is not waited for: a run that does not end, and a server that is not there to be told.
    const force = this.runs.isInHand(job) || this.redis.status !== 'ready';
    const closed = Promise.allSettled([worker.close(force), queue.close()]).then(() => true);
    const patience = new AbortController();
    const late = delay(CLOSE_PATIENCE_MS, false, { signal: patience.signal }).catch(() => false);
    if (!(await Promise.race([closed, late]))) worker.disconnect().catch(() => undefined);
    patience.abort();
  }
}

function isOfConnection(error: unknown): boolean {
  const { syscall, message = '' } = error as Partial<NodeJS.ErrnoException>;
  return syscall !== undefined || /connection (is closed|ended)|connect (timeout|ETIMEDOUT)/i.test(message);
}
