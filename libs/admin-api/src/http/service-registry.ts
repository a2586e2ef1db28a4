import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import {
  BUCKETS,
  type Bus,
  type BucketEntry,
  decodeJson,
  type HeartbeatV1,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';

/** Services beat every 5 s; one that missed two beats is in doubt. */
const STALE_AFTER_MS = 12_000;
/** How long a silent process is shown. */
const FORGOTTEN_AFTER_MS = 10 * 60_000;

export interface SeenInstance extends HeartbeatV1 {
  /** Of our own clock: those of other machines may differ. */
  lastSeenAtMs: number;
  stale: boolean;
}

/** Which processes there are, from their heartbeats. One that stops in order is forgotten at once; a silent one is shown. */
export class ServiceRegistry implements OnModuleInit, OnModuleDestroy {
  private readonly seen = new Map<string, { heartbeat: HeartbeatV1; atMs: number }>();
  private subscription: Subscription | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly log: Logger,
  ) {}

  onModuleInit(): void {
    this.subscription ??= this.bus.bucket(BUCKETS.services).watch({ onEntry: (entry) => this.note(entry) });
  }

  async onModuleDestroy(): Promise<void> {
    await this.subscription?.stop();
  }

  /** By service, then instance. */
  instances(): SeenInstance[] {
    const nowMs = Date.now();
    for (const [key, { atMs }] of this.seen) if (nowMs - atMs > FORGOTTEN_AFTER_MS) this.seen.delete(key);
    return [...this.seen.entries()]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, { heartbeat, atMs }]) => ({
        ...heartbeat,
        lastSeenAtMs: atMs,
        stale: nowMs - atMs > STALE_AFTER_MS,
      }));
  }

  private note({ key, value }: BucketEntry): void {
    if (value === undefined) {
      this.seen.delete(key);
      return;
    }
    try {
      this.seen.set(key, { heartbeat: decodeJson<HeartbeatV1>(value), atMs: Date.now() });
    } catch (error) {
      this.log.error({ err: error, key }, 'a heartbeat cannot be read');
    }
  }
}
