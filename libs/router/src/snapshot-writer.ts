import {
  type Bucket,
  type BucketEntry,
  encodeJson,
  ROUTING_HEAD_KEY,
  type RoutingHeadV2,
} from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import type { EntryBody, Version } from './core/evaluator';
import { PublishedRouting, type RoutingEntry } from './published-routing';
import type { RouterMetrics } from './router-metrics';

/** So often the head is written although nothing changed: its age tells whether a router is at work. */
export const REFRESH_EVERY_MS = 30_000;

export interface SnapshotWriterOptions {
  bucket: Bucket;
  log: Logger;
  metrics: RouterMetrics;
  leader: string;
  epoch: number;
  /** Of the last change of whoever led before. */
  version: number;
  refreshEveryMs: number;
}

/** Keeps the snapshot in its bucket as it was worked out last: what changed, then the head. Of one leader. */
export class SnapshotWriter {
  /** What is in the bucket, by key, without what tells one writing from another. */
  private readonly written = new Map<string, string>();
  private version: number;
  private headWrittenMs = -Infinity;
  private failing = false;

  /** `before`: what another leader left there. */
  constructor(
    private readonly options: SnapshotWriterOptions,
    before: Iterable<readonly [string, RoutingEntry]>,
  ) {
    this.version = options.version;
    for (const [key, entry] of before) {
      if (key !== ROUTING_HEAD_KEY) this.written.set(key, bodyText(entry));
    }
  }

  get nextVersion(): number {
    return this.version + 1;
  }

  /**
   * Told of an entry in the bucket; undefined: it was deleted. What somebody else put in its place is written again.
   *
   * @returns whether there is something to write again.
   */
  check(key: string, entry: RoutingEntry | undefined): boolean {
    if (entry !== undefined && entry.epoch >= this.options.epoch) return false;
    if (key === ROUTING_HEAD_KEY) {
      this.headWrittenMs = -Infinity;
      return true;
    }
    if (entry !== undefined && this.written.get(key) === bodyText(entry)) return false;
    // What is not to be there has to be known in order to be deleted.
    if (entry === undefined) this.written.delete(key);
    else this.written.set(key, bodyText(entry));
    return true;
  }

  /** Never rejects: what was not written is written with the next. @returns whether the bucket is as it should be. */
  async write(entries: ReadonlyMap<string, EntryBody>): Promise<boolean> {
    const changed = [...entries].filter(([key, body]) => this.written.get(key) !== bodyText(body));
    const gone = [...this.written.keys()].filter((key) => !entries.has(key));
    const isRefresh = changed.length + gone.length === 0;
    if (isRefresh && performance.now() - this.headWrittenMs < this.options.refreshEveryMs) return true;
    if (!isRefresh) this.version++;
    const { bucket, epoch, leader } = this.options;
    const version: Version = { epoch, version: this.version, createdAtMs: Date.now() };
    try {
      await this.all([
        ...changed.map(([key, body]) => this.put(key, body, version)),
        ...gone.map(async (key) => {
          await bucket.delete(key);
          this.written.delete(key);
        }),
      ]);
      await bucket.put(ROUTING_HEAD_KEY, encodeJson({ ...version, leader } satisfies RoutingHeadV2));
      this.headWrittenMs = performance.now();
      this.succeeded(isRefresh);
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  private async put(key: string, body: EntryBody, version: Version): Promise<void> {
    // Until it is known to be there, it is not.
    this.written.delete(key);
    await this.options.bucket.put(key, encodeJson({ ...version, ...body }));
    this.written.set(key, bodyText(body));
  }

  /** The others are seen to their end when one fails, so that nothing is written behind the next attempt. */
  private async all(writing: Promise<void>[]): Promise<void> {
    const results = await Promise.allSettled(writing);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  private succeeded(isRefresh: boolean): void {
    const { log, metrics } = this.options;
    metrics.publishes.inc({ result: isRefresh ? 'refreshed' : 'published' });
    if (this.failing) log.info('the routing snapshot is published again');
    this.failing = false;
  }

  private failed(error: unknown): void {
    const { log, metrics } = this.options;
    metrics.publishes.inc({ result: 'failed' });
    if (!this.failing) log.warn({ err: error }, 'the routing snapshot cannot be published, trying again');
    this.failing = true;
  }
}

/** Everything in the bucket now. Waits for the bus as long as it takes, or until `stopping`. */
export async function readSnapshot(bucket: Bucket, log: Logger, stopping: AbortSignal): Promise<PublishedRouting> {
  const snapshot = new PublishedRouting(log);
  await new Promise<void>((resolve) => {
    if (stopping.aborted) return resolve();
    const done = (): void => {
      stopping.removeEventListener('abort', done);
      void watching.stop().then(resolve);
    };
    const watching = bucket.watch({ onEntry: (entry: BucketEntry) => void snapshot.tell(entry), onCurrent: done });
    stopping.addEventListener('abort', done);
  });
  return snapshot;
}

function bodyText(entry: RoutingEntry | EntryBody): string {
  const { epoch: _e, version: _v, createdAtMs: _c, ...body } = entry as RoutingEntry;
  return JSON.stringify(body);
}
