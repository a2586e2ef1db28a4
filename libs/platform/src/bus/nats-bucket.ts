import type { Bucket, BucketDefinition, BucketEntry, BucketWatcher, Bytes, Subscription } from '@switchboard/contracts';
import { DiscardPolicy, headers, nanos, type StoredMsg } from 'nats';
import type { Logger } from '../logging/logger';
import { checkBucketKey } from './bucket-key';
import { readBucket } from './nats-bucket-reader';
import { NatsBucketWatch } from './nats-bucket-watch';
import { isChangedSince, isMessageMissing, unavailable } from './nats-faults';
import type { NatsLink } from './nats-link';
import type { NatsSession, StreamShape } from './nats-session';

const DEDUPE_WINDOW_MS = 120_000;
/** Of a key without an entry. */
const NO_REVISION = 0;

/** A JetStream key-value bucket: the last message of each subject below `$KV.<bucket>`. */
export class NatsBucket implements Bucket {
  private readonly shape: StreamShape;
  private readonly prefix: string;
  private readonly watches = new Set<NatsBucketWatch>();

  constructor(
    private readonly definition: BucketDefinition,
    private readonly link: NatsLink,
    private readonly log: Logger,
  ) {
    const { name, ttlMs = 0 } = definition;
    this.prefix = `$KV.${name}.`;
    this.shape = {
      name: `KV_${name}`,
      subjects: [`${this.prefix}>`],
      max_msgs_per_subject: 1,
      max_age: nanos(ttlMs),
      duplicate_window: nanos(ttlMs === 0 ? DEDUPE_WINDOW_MS : Math.min(DEDUPE_WINDOW_MS, ttlMs)),
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: true,
      deny_delete: true,
      // Reads are answered by the leader: a follower may not have what was just put.
      allow_direct: false,
    };
  }

  get(key: string): Promise<BucketEntry | undefined> {
    return this.ask(`reading ${key}`, key, (session) => this.find(session, key));
  }

  put(key: string, value: Bytes): Promise<number> {
    return this.ask(`writing ${key}`, key, async ({ jetstream }) => {
      const { seq } = await jetstream.publish(this.prefix + key, value);
      return seq;
    });
  }

  create(key: string, value: Bytes): Promise<number | undefined> {
    return this.ask(`creating ${key}`, key, async (session) => {
      const created = await this.putAt(session, { key, value, revision: NO_REVISION });
      if (created !== undefined) return created;
      const present = await this.find(session, key);
      if (present === undefined) return this.putAt(session, { key, value, revision: NO_REVISION });
      return present.value === undefined ? this.putAt(session, { key, value, revision: present.revision }) : undefined;
    });
  }

  update(key: string, value: Bytes, revision: number): Promise<number | undefined> {
    return this.ask(`updating ${key}`, key, (session) => this.putAt(session, { key, value, revision }));
  }

  delete(key: string): Promise<void> {
    return this.ask(`deleting ${key}`, key, async ({ jetstream }) => {
      const deletion = headers();
      deletion.set('KV-Operation', 'DEL');
      await jetstream.publish(this.prefix + key, new Uint8Array(), { headers: deletion });
    });
  }

  keys(): Promise<string[]> {
    return this.ask('listing', undefined, async (session) => {
      const keys: string[] = [];
      const done = new AbortController();
      await readBucket(
        session,
        {
          stream: this.shape.name,
          prefix: this.prefix,
          keysOnly: true,
          onEntry: ({ key }, deleted) => void (deleted || keys.push(key)),
          onCurrent: () => done.abort(),
        },
        done.signal,
      );
      return keys;
    });
  }

  watch(watcher: BucketWatcher): Subscription {
    const { link, shape, prefix } = this;
    const log = this.log.child({ bucket: this.definition.name });
    const watch = new NatsBucketWatch({ link, shape, prefix, watcher, log });
    this.watches.add(watch);
    return {
      stop: () => {
        this.watches.delete(watch);
        return watch.stop();
      },
    };
  }

  /** Ends all watchers. */
  async close(): Promise<void> {
    await Promise.all([...this.watches].map((watch) => watch.stop()));
    this.watches.clear();
  }

  private async find({ manager }: NatsSession, key: string): Promise<BucketEntry | undefined> {
    try {
      return this.toEntry(await manager.streams.getMessage(this.shape.name, { last_by_subj: this.prefix + key }));
    } catch (error) {
      if (isMessageMissing(error)) return undefined;
      throw error;
    }
  }

  /** Undefined: the last change of the key was another. */
  private async putAt(
    { jetstream }: NatsSession,
    { key, value, revision }: { key: string; value: Bytes; revision: number },
  ): Promise<number | undefined> {
    try {
      const { seq } = await jetstream.publish(this.prefix + key, value, {
        expect: { lastSubjectSequence: revision },
      });
      return seq;
    } catch (error) {
      if (isChangedSince(error)) return undefined;
      throw error;
    }
  }

  private async ask<T>(doing: string, key: string | undefined, work: (session: NatsSession) => Promise<T>): Promise<T> {
    if (key !== undefined) checkBucketKey(key);
    const session = this.link.require();
    try {
      // A watcher must not miss a change of what was read or written here after it began: it takes its bearings first.
      await Promise.all([...this.watches].map((watch) => watch.baseline(session)));
      return await session.withStream(this.shape, () => work(session));
    } catch (error) {
      throw unavailable(`${doing} in the bucket ${this.definition.name}`, error);
    }
  }

  private toEntry({ subject, seq: revision, data, header }: StoredMsg): BucketEntry {
    const key = subject.slice(this.prefix.length);
    const deleted = ['DEL', 'PURGE'].includes(header.get('KV-Operation'));
    return deleted ? { key, revision } : { key, value: data, revision };
  }
}
