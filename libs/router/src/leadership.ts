import { BUCKETS, type Bus, type Catalog, type Subscription, type UpstreamsV1 } from '@switchboard/contracts';
import type { CatalogReplica, Logger } from '@switchboard/platform';
import type { Evaluator } from './core/evaluator';
import { describeUpstreams } from './core/upstreams-view';
import { type HttpProbeOptions, httpProbe } from './adapters/http-probe';
import { Prober } from './prober';
import type { PublishedRouting, RoutingEntry } from './published-routing';
import type { RouterMetrics } from './router-metrics';
import { readSnapshot, REFRESH_EVERY_MS, SnapshotWriter } from './snapshot-writer';

const EVALUATE_EVERY_MS = 1_000;
/** At least so long between two evaluations, whatever is reported. */
const EVALUATE_PAUSE_MS = 50;

export interface LeadershipOptions {
  bus: Bus;
  replica: CatalogReplica;
  evaluator: Evaluator;
  published: PublishedRouting;
  log: Logger;
  metrics: RouterMetrics;
  instance: string;
  /** Of the lease. */
  epoch: number;
  allowLoopback: boolean;
  refreshEveryMs?: number;
}

/** What a router does while it leads: probes, finds how the upstreams are, and publishes that. */
export class Leadership {
  readonly prober: Prober;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  private readonly changes: Subscription;
  private writer: SnapshotWriter | undefined;
  private wake: (() => void) | undefined;
  private isDue = false;
  private failing = false;
  private evaluatedMs = -Infinity;
  private dueMs = -Infinity;

  constructor(private readonly options: LeadershipOptions) {
    const { replica, log, metrics, allowLoopback } = options;
    this.prober = new Prober({
      ask: (target, signal) => httpProbe({ ...target, allowLoopback } satisfies HttpProbeOptions, signal),
      onProbed: () => this.evaluateSoon(),
      ...{ log, metrics },
    });
    this.changes = replica.onChange((catalog) => this.follow(catalog));
    if (replica.isReady) this.follow(replica.current());
    this.running = this.run();
  }

  evaluateSoon(): void {
    this.isDue = true;
    this.wake?.();
  }

  /** Told of an entry in the bucket; undefined: it was deleted. */
  check(key: string, entry: RoutingEntry | undefined): void {
    if (this.writer?.check(key, entry) === true) this.evaluateSoon();
  }

  view(nowMs: number): UpstreamsV1 {
    const { evaluator, published, replica, instance } = this.options;
    const { epoch = 0, version = 0, createdAtMs = 0 } = published.head ?? {};
    const told = { leader: instance, epoch, version, createdAtMs };
    const times = { nowMs, atMs: Date.now() };
    return { ...told, ...describeUpstreams(replica.current(), evaluator, (id) => this.prober.state(id), times) };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake?.();
    await Promise.all([this.changes.stop(), this.prober.stop(), this.running]);
  }

  private follow(catalog: Catalog): void {
    this.prober.follow(catalog.providers);
    this.evaluateSoon();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    await this.takeOver(signal);
    while (!signal.aborted) {
      await this.pause();
      if (signal.aborted) return;
      try {
        await this.evaluate();
        this.failing = false;
      } catch (error) {
        // Of one entry of the catalog that cannot be worked with: the snapshot stays until that is put right.
        if (!this.failing) this.options.log.error({ err: error }, 'the routing snapshot cannot be worked out');
        this.failing = true;
      }
    }
  }

  /** Goes on from what is there: whoever led before may have found what nobody else has. */
  private async takeOver(signal: AbortSignal): Promise<void> {
    const { bus, log, metrics, evaluator, published, instance, epoch, refreshEveryMs } = this.options;
    const bucket = bus.bucket(BUCKETS.routing);
    const before = await readSnapshot(bucket, log, signal);
    const moment = { nowMs: performance.now(), atMs: Date.now() };
    for (const model of before.models) evaluator.adopt(model, moment);
    const epochBefore = Math.max(published.epochMax, before.epochMax);
    this.writer = new SnapshotWriter(
      {
        ...{ bucket, log, metrics, leader: instance, refreshEveryMs: refreshEveryMs ?? REFRESH_EVERY_MS },
        // Edges keep to the highest they have seen, also of a bus that has lost everything: the calendar knows no such loss.
        epoch: Math.max(epoch, epochBefore + 1, moment.atMs),
        version: Math.max(published.versionMax, before.versionMax),
      },
      before,
    );
  }

  private async evaluate(): Promise<void> {
    const { replica, evaluator } = this.options;
    const { writer } = this;
    if (!replica.isReady || writer === undefined) return;
    const moment = { nowMs: performance.now(), atMs: Date.now() };
    const { entries, dueMs } = evaluator.evaluate(replica.current(), moment, {
      nextVersion: writer.nextVersion,
      probeOf: (provider) => this.prober.finding(provider),
    });
    this.dueMs = dueMs;
    await writer.write(entries);
  }

  /** Until a second has passed, something is due, or something was reported. */
  private async pause(): Promise<void> {
    const nowMs = performance.now();
    const pauseMs = Math.max(EVALUATE_PAUSE_MS, Math.min(EVALUATE_EVERY_MS, this.dueMs - nowMs));
    const dueAtMs = Math.max(this.evaluatedMs + EVALUATE_PAUSE_MS, nowMs);
    await new Promise<void>((resolve) => {
      let timer = setTimeout(resolve, this.isDue ? dueAtMs - nowMs : pauseMs);
      this.wake = () => {
        clearTimeout(timer);
        if (this.stopping.signal.aborted) return resolve();
        timer = setTimeout(resolve, Math.max(0, dueAtMs - performance.now()));
      };
    });
    this.wake = undefined;
    this.isDue = false;
    this.evaluatedMs = performance.now();
  }
}
