import { type Bus, encodeJson, STREAMS, type UsageBatchV1 } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { orphanEvent } from './core/orphan-event';
import type { Orphan, Quota } from './core/quota';
import type { QuotaMetrics } from './quota-metrics';

const SWEEP_MS = 5_000;
const SWEEP_MIN_MS = 250;

export interface OrphanSweeperOptions {
  quota: Quota;
  bus: Bus;
  leaseMs: number;
  log: Logger;
  metrics: QuotaMetrics;
}

/**
 * Makes usage records of reservations that nobody settled or renewed. Each is recorded once, however many replicas sweep:
 * turning it into an orphan is one atomic step, and its record goes by the request id.
 *
 * After an outage of the bus or the store nobody could renew anything; so whoever sweeps waits a whole lease first.
 */
export class OrphanSweeper {
  private connectedSinceMs = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> | undefined;
  private failing = false;
  private stopped = false;

  constructor(private readonly options: OrphanSweeperOptions) {}

  start(): void {
    this.options.bus.onConnected(() => this.reconnected());
    this.schedule();
  }

  /** The store or the bus was away until now. */
  reconnected(): void {
    this.connectedSinceMs = performance.now();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
  }

  private schedule(): void {
    if (this.stopped) return;
    const interval = Math.max(SWEEP_MIN_MS, Math.min(SWEEP_MS, this.options.leaseMs / 4));
    this.timer = setTimeout(
      () => {
        this.sweeping = this.sweep().finally(() => this.schedule());
      },
      interval * (0.75 + Math.random() / 2),
    );
  }

  private async sweep(): Promise<void> {
    const { quota, bus, leaseMs, log } = this.options;
    if (!bus.connected || performance.now() - this.connectedSinceMs < leaseMs) return;
    try {
      for (const group of await quota.groups()) {
        if (this.stopped) return;
        for (const orphan of await quota.expire(group)) await this.record(orphan);
      }
      if (this.failing) log.info('expired reservations are recorded again');
      this.failing = false;
    } catch (error) {
      if (!this.failing) log.warn({ err: error }, 'expired reservations cannot be recorded now, and wait');
      this.failing = true;
      // A store that hangs for a while keeps its connection, and renewals failed as this did.
      this.reconnected();
    }
  }

  private async record(orphan: Orphan): Promise<void> {
    const { quota, bus, log, metrics } = this.options;
    const { requestId, group } = orphan.request;
    const event = orphanEvent(orphan, Date.now());
    if (event !== undefined) {
      await bus.append(STREAMS.usage, encodeJson({ events: [event] } satisfies UsageBatchV1), `orphan-${requestId}`);
    }
    await quota.orphanRecorded(group, requestId);
    metrics.orphans.inc();
    log.warn({ requestId, group, costNanoUsd: orphan.held.nanoUsd }, 'a call was never settled; charged as reserved');
  }
}
