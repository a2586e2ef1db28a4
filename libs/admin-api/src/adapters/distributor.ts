import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, BusUnavailableError, type HealthCheck, type Subscription } from '@switchboard/contracts';
import type { Logger, Metrics, PrismaClient } from '@switchboard/platform';
import { type DistributorMetrics, registerDistributorMetrics } from './distributor-metrics';
import { removeExpired } from './housekeeping';
import { Outage } from './outage';
import { Publication } from './publication';

/** Another replica may have died between its commit and its put. */
const POLL_MS = 1_000;
/** How soon to ask again while another replica publishes. */
const BUSY_MS = 100;
const HOUSEKEEPING_MS = 30_000;
/** A change that waits longer shows in the health of the service. */
const LATE_MS = 10_000;

export interface OutboxState {
  /** Entries that wait to be published. */
  depth: number;
  /** How long the oldest has been waiting; 0 where there is none. */
  oldestSeconds: number;
}

/**
 * Publishes what the tables say in the buckets the other services watch: each change soon after its commit, and
 * everything after each connection of the bus, which may have lost what it held.
 */
export class Distributor {
  private readonly prisma: PrismaClient;
  private readonly bus: Bus;
  private readonly publication: Publication;
  private readonly metrics: DistributorMetrics;
  private readonly outages: Record<'bus' | 'store', Outage>;
  /** Grows with each reason to compare everything, the first connection included; `compared` is how far that was done. */
  private reasons = 0;
  private compared = 0;
  private tidyAt = 0;
  private outboxState: OutboxState = { depth: 0, oldestSeconds: 0 };
  private wake = new AbortController();
  private connections: Subscription | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(options: { prisma: PrismaClient; bus: Bus; log: Logger; metrics: Metrics }) {
    const { log } = options;
    this.prisma = options.prisma;
    this.bus = options.bus;
    this.metrics = registerDistributorMetrics(options.metrics);
    this.publication = new Publication(this.prisma, this.bus, (published) => this.metrics.published(published));
    this.outages = {
      bus: new Outage(log, {
        began: 'waiting for the bus: changes of catalog and keys reach no other service meanwhile',
        ended: 'the bus is back: catalog and keys are published again',
      }),
      store: new Outage(log, {
        began: 'catalog and keys cannot be published, trying again: the tables cannot be read',
        ended: 'the tables can be read again: catalog and keys are published',
      }),
    };
  }

  start(): void {
    this.connections ??= this.bus.onConnected(() => this.rebuild());
    this.running ??= this.run();
  }

  /** Has it look at the outbox at once. */
  poke(): void {
    this.wake.abort();
  }

  /** Compares everything anew, at once. */
  rebuild(): void {
    this.reasons++;
    this.poke();
  }

  /** As of the last look, at most a second ago while the tables can be read. */
  get outbox(): OutboxState {
    return this.outboxState;
  }

  get health(): HealthCheck {
    return {
      name: 'catalog-published',
      required: false,
      check: () => {
        const reason = this.unpublishedReason();
        return reason === undefined ? Promise.resolve() : Promise.reject(new Error(reason));
      },
    };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.poke();
    await this.connections?.stop();
    await this.running;
  }

  private unpublishedReason(): string | undefined {
    if (!this.bus.connected) return 'the bus is away';
    if (this.compared === 0 || this.compared < this.reasons)
      return 'not yet compared with the buckets since the bus was connected';
    const { depth, oldestSeconds } = this.outboxState;
    if (oldestSeconds * 1000 <= LATE_MS) return undefined;
    return `${depth} changes wait to be published, the oldest for ${Math.round(oldestSeconds)} s`;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      this.wake = new AbortController();
      const pauseMs = await this.round();
      await delay(pauseMs, undefined, { signal: this.wake.signal }).catch(() => undefined);
    }
  }

  /** @returns how long to wait for the next one. */
  private async round(): Promise<number> {
    try {
      await this.look();
      if (!this.bus.connected) {
        this.outages.bus.began();
        return POLL_MS;
      }
      const done = (await this.rebuilt()) && (await this.drained());
      await this.tidy();
      this.outages.bus.ended();
      this.outages.store.ended();
      return done ? POLL_MS : BUSY_MS;
    } catch (error) {
      this.outages[error instanceof BusUnavailableError ? 'bus' : 'store'].began(error);
      return POLL_MS;
    }
  }

  /** False: not yet, for another replica publishes. */
  private async rebuilt(): Promise<boolean> {
    const { reasons } = this;
    if (reasons > 0 && this.compared >= reasons) return true;
    // Its being connected is about to be told.
    if (reasons === 0) return false;
    const stopTimer = this.metrics.rebuildSeconds.startTimer();
    const outcome = await this.publication.rebuild();
    if (outcome === 'rebuilt') {
      stopTimer();
      this.compared = reasons;
    }
    return outcome !== 'busy';
  }

  private async drained(): Promise<boolean> {
    while (this.outboxState.depth > 0 || this.publication.hasDoubts) {
      const { outcome } = await this.publication.drain();
      if (outcome === 'busy') return false;
      if (this.stopped) break;
      await this.look();
    }
    return true;
  }

  private async look(): Promise<void> {
    const { _count: depth, _min: oldest } = await this.prisma.outboxEntry.aggregate({
      _count: true,
      _min: { createdAt: true },
    });
    const waitedMs = oldest.createdAt === null ? 0 : Math.max(0, Date.now() - oldest.createdAt.getTime());
    this.outboxState = { depth, oldestSeconds: waitedMs / 1000 };
    this.metrics.outbox(this.outboxState);
  }

  private async tidy(): Promise<void> {
    const now = performance.now();
    if (now < this.tidyAt) return;
    const { secrets } = await removeExpired(this.prisma, new Date());
    this.tidyAt = now + HOUSEKEEPING_MS;
    if (secrets > 0) this.poke();
  }
}
