import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Bucket,
  type BucketDefinition,
  type Bus,
  BUCKETS,
  BusUnavailableError,
  decodeJson,
  encodeJson,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger } from '../logging/logger';

/** Of the time an entry lives: two renewals may fail. */
const RENEWED_AFTER = 0.3;
/** The holder lets go a little before the bus does, so that there are never two. */
const HELD_FOR = 0.9;
/** A bus that neither stores nor refuses holds up no shutdown. */
const FAREWELL_MS = 1_000;

export interface LeaseOptions {
  bus: Pick<Bus, 'bucket' | 'onConnected'>;
  /** What is led: a key of the leases bucket. */
  key: string;
  /** Who asks for it, for operators to read. */
  holder: string;
  log: Logger;
  /** Where it is kept; its entries must expire. */
  definition?: Required<BucketDefinition>;
  /** At each change; `epoch` grows with every leader for as long as the bus keeps what it was given. */
  onChange(leading: boolean, epoch: number): void;
}

interface Held {
  epoch: number;
  revision: number;
  /** By our own clock, which nobody sets. */
  untilMs: number;
}

/**
 * One of several processes leads. Whoever creates the entry in the leases bucket does, for as long as it renews it; it
 * lets go by its own clock before the bus lets anybody else have it, so an outage ends the leading everywhere, and one
 * of them leads again after it.
 */
export class Lease {
  private readonly bucket: Bucket;
  private readonly ttlMs: number;
  /** Tells our own entry from that of a process of the same name. */
  private readonly token = randomUUID();
  private readonly value: Uint8Array;
  private readonly stopping = new AbortController();
  private readonly subscriptions: readonly Subscription[];
  private readonly running: Promise<void>;
  private held: Held | undefined;
  private expiry: NodeJS.Timeout | undefined;
  private wake = new AbortController();
  private failing = false;

  constructor(private readonly options: LeaseOptions) {
    const { bus, key, holder, definition = BUCKETS.leases } = options;
    this.bucket = bus.bucket(definition);
    this.ttlMs = definition.ttlMs;
    this.value = encodeJson({ holder, token: this.token });
    this.subscriptions = [
      bus.onConnected(() => this.wake.abort()),
      this.bucket.watch({
        onEntry: (entry) => {
          if (entry.key === key && entry.value === undefined) this.wake.abort();
        },
      }),
    ];
    this.running = this.run();
  }

  get leading(): boolean {
    return this.held !== undefined && performance.now() < this.held.untilMs;
  }

  /** Lets go, so that a successor need not wait. Idempotent. */
  async stop(): Promise<void> {
    if (this.stopping.signal.aborted) return this.running;
    this.stopping.abort();
    this.wake.abort();
    await Promise.race([this.farewell(), delay(FAREWELL_MS, undefined, { ref: false })]);
    this.lose();
  }

  private async farewell(): Promise<void> {
    await Promise.all([this.running, ...this.subscriptions.map((subscription) => subscription.stop())]);
    const { leading } = this;
    this.lose();
    if (!leading) return;
    try {
      await this.bucket.delete(this.options.key);
    } catch (error) {
      this.options.log.debug({ err: error }, 'the lease could not be given back; it expires');
    }
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.wake = new AbortController();
      const { signal } = this.wake;
      await this.attempt();
      if (this.stopping.signal.aborted) return;
      const pauseMs = this.ttlMs * RENEWED_AFTER * (0.9 + 0.2 * Math.random());
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async attempt(): Promise<void> {
    try {
      if (this.held === undefined) await this.take();
      else await this.renew(this.held);
      this.failing = false;
    } catch (error) {
      const { log, key } = this.options;
      // The bus says itself that it is away.
      if (error instanceof BusUnavailableError) return;
      if (!this.failing) log.warn({ err: error }, `the lease of ${key} cannot be taken or renewed, trying again`);
      this.failing = true;
    }
  }

  private async take(): Promise<void> {
    const sentMs = performance.now();
    const { key } = this.options;
    const revision = (await this.bucket.create(key, this.value)) ?? (await this.reclaim());
    if (revision !== undefined) this.hold({ epoch: revision, revision, untilMs: sentMs + HELD_FOR * this.ttlMs });
  }

  /** An entry that was written although we were not told so is ours: it is renewed, or would be in our own way. */
  private async reclaim(): Promise<number | undefined> {
    const own = await this.ownRevision();
    return own === undefined ? undefined : this.bucket.update(this.options.key, this.value, own);
  }

  private async renew(held: Held): Promise<void> {
    const sentMs = performance.now();
    const { key } = this.options;
    let revision = await this.bucket.update(key, this.value, held.revision);
    revision ??= await this.reclaim();
    if (this.held !== held) return;
    if (revision === undefined) {
      this.lose();
      // Nobody may have it: the bus may have come back without it.
      return this.take();
    }
    this.hold({ epoch: held.epoch, revision, untilMs: sentMs + HELD_FOR * this.ttlMs });
  }

  private async ownRevision(): Promise<number | undefined> {
    const entry = await this.bucket.get(this.options.key);
    if (entry?.value === undefined) return undefined;
    return decodeJson<{ token?: string } | null>(entry.value)?.token === this.token ? entry.revision : undefined;
  }

  private hold(held: Held): void {
    if (performance.now() >= held.untilMs) return this.lose();
    const isNew = this.held === undefined;
    this.held = held;
    clearTimeout(this.expiry);
    this.expiry = setTimeout(() => this.lose(), held.untilMs - performance.now());
    if (isNew) this.tell(true, held.epoch);
  }

  private lose(): void {
    clearTimeout(this.expiry);
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) this.tell(false, held.epoch);
  }

  private tell(leading: boolean, epoch: number): void {
    try {
      this.options.onChange(leading, epoch);
    } catch (error) {
      this.options.log.error({ err: error }, 'a listener to changes of the leader failed');
    }
  }
}
