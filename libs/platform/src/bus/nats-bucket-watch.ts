import type { BucketEntry, BucketWatcher } from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import { readBucket } from './nats-bucket-reader';
import type { NatsLink } from './nats-link';
import { reside } from './nats-resident';
import type { NatsSession, StreamShape } from './nats-session';

interface Watching {
  link: NatsLink;
  shape: StreamShape;
  prefix: string;
  watcher: BucketWatcher;
  log: Logger;
}

/** From where on a watcher of updates is to be told. */
interface Baseline {
  /** When the stream was created: another time, another stream, whose revisions mean nothing to us. */
  stream: string;
  /** The last revision it was told of, or that was there before it. */
  revision: number;
}

/**
 * Tells one watcher, in every session. After a reconnection it hears the latest of every key once more; one that wants
 * updates only goes on where it was, unless the stream is another by now or has lost its end.
 */
export class NatsBucketWatch {
  private readonly stopping = new AbortController();
  private readonly ended: Promise<void>;
  private known: Baseline | undefined;
  private asking: Promise<void> | undefined;
  /** Marks of deletions are news only to those who were told entries before. */
  private everCurrent = false;

  constructor(private readonly watching: Watching) {
    const { link, shape, log } = watching;
    this.ended = reside({
      link,
      log,
      stopping: this.stopping.signal,
      doing: `watching the bucket ${shape.name}`,
      attempt: (session, working) => this.attempt(session, working),
    });
  }

  /** Resolves once it is certain that every later change will be told. */
  async baseline(session: NatsSession): Promise<void> {
    if (this.watching.watcher.updatesOnly !== true || this.known !== undefined || this.stopping.signal.aborted) return;
    this.asking ??= this.askBaseline(session).finally(() => (this.asking = undefined));
    await this.asking;
  }

  /** No further calls. */
  stop(): Promise<void> {
    this.stopping.abort();
    return this.ended;
  }

  private async askBaseline(session: NatsSession): Promise<void> {
    const { created, state } = await session.refresh(this.watching.shape);
    this.known ??= { stream: created, revision: state.last_seq };
  }

  private async attempt(session: NatsSession, working: () => void): Promise<void> {
    const { shape, prefix, watcher } = this.watching;
    const info = await session.refresh(shape);
    await this.baseline(session);
    const fromRevision = this.resumption({ stream: info.created, revision: info.state.last_seq });
    const reading = {
      stream: shape.name,
      prefix,
      ...(fromRevision !== undefined && { fromRevision }),
      onEntry: (entry: BucketEntry, deleted: boolean) => this.tell(entry, deleted),
      onCurrent: () => {
        this.everCurrent = true;
        working();
        this.call(() => watcher.onCurrent?.());
      },
    };
    await readBucket(session, reading, this.stopping.signal);
  }

  /** Undefined: everything is to be told. */
  private resumption(now: Baseline): number | undefined {
    if (this.watching.watcher.updatesOnly !== true || this.known === undefined) return undefined;
    if (now.stream === this.known.stream && now.revision >= this.known.revision) return this.known.revision + 1;
    this.known = { stream: now.stream, revision: 0 };
    return undefined;
  }

  private tell(entry: BucketEntry, deleted: boolean): void {
    const { watcher } = this.watching;
    if (this.known !== undefined) this.known.revision = Math.max(this.known.revision, entry.revision);
    if (deleted && !this.everCurrent && watcher.updatesOnly !== true) return;
    this.call(() => watcher.onEntry(entry));
  }

  private call(tell: () => void): void {
    if (this.stopping.signal.aborted) return;
    try {
      tell();
    } catch (error) {
      this.watching.log.error({ err: error }, 'a bucket watcher failed; it goes on with the next entry');
    }
  }
}
