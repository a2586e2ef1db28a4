import { setTimeout as delay } from 'node:timers/promises';
import {
  bucketKey,
  BUCKETS,
  type Bucket,
  type Bus,
  BusUnavailableError,
  encodeJson,
  type HeartbeatV1,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import type { Readiness, ReadinessReport } from './readiness';

export interface HeartbeatSubject {
  service: string;
  instance: string;
  version: string;
}

const INTERVAL_MS = 5_000;
/** How soon it is noticed that the service became ready, or no longer is. */
const WATCH_MS = 500;
const DRAINING: ReadinessReport = {
  status: 'unavailable',
  checks: { process: { status: 'down', required: true, latencyMs: 0, error: 'draining' } },
};
/** A bus that neither stores nor refuses holds up no shutdown. */
const FAREWELL_MS = 1_000;

/**
 * Tells the others, through the bus, that this process lives and how it is: every five seconds, at every change and at
 * every connection; at its end it takes the entry back. While the bus is away nobody is told, and that is no fault here.
 */
export class Heartbeat {
  private readonly bucket: Bucket;
  private readonly startedAtMs = Date.now();
  private readonly stopping = new AbortController();
  private readonly connections: Subscription;
  private readonly running: Promise<void>;
  private due = true;
  private draining = false;
  private failing = false;

  constructor(
    bus: Pick<Bus, 'bucket' | 'onConnected'>,
    private readonly subject: HeartbeatSubject,
    private readonly readiness: Readiness,
    private readonly log: Logger,
  ) {
    this.bucket = bus.bucket(BUCKETS.services);
    this.connections = bus.onConnected(() => (this.due = true));
    this.running = this.run();
  }

  /** From now on it tells that the service takes nothing new; what it depends on may stop before it does. */
  drain(): void {
    this.draining = true;
    this.due = true;
  }

  /** The last one written, if any, is gone afterwards. Idempotent. */
  async stop(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort();
    const farewell = Promise.all([this.connections.stop(), this.running]).then(() =>
      this.attempt(() => this.bucket.delete(this.key)),
    );
    await Promise.race([farewell, delay(FAREWELL_MS, undefined, { ref: false })]);
  }

  private get key(): string {
    return bucketKey.heartbeat(this.subject.service, this.subject.instance);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let told: ReadinessReport['status'] | undefined;
    let toldAt = -Infinity;
    while (!signal.aborted) {
      const report = this.draining ? DRAINING : await this.readiness.report();
      if (signal.aborted) return;
      if (this.due || report.status !== told || performance.now() - toldAt >= INTERVAL_MS) {
        this.due = false;
        await this.attempt(() => this.bucket.put(this.key, encodeJson(this.heartbeat(report))));
        told = report.status;
        toldAt = performance.now();
      }
      await delay(WATCH_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private heartbeat({ status, checks }: ReadinessReport): HeartbeatV1 {
    const { service, instance, version } = this.subject;
    const told = Object.entries(checks).map(([name, { latencyMs: _, ...check }]) => [name, check] as const);
    const { startedAtMs } = this;
    return { service, instance, version, startedAtMs, sentAtMs: Date.now(), status, checks: Object.fromEntries(told) };
  }

  private async attempt(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
      this.failing = false;
    } catch (error) {
      if (error instanceof BusUnavailableError || this.failing) return;
      this.failing = true;
      this.log.warn({ err: error }, 'the heartbeat cannot be written');
    }
  }
}
