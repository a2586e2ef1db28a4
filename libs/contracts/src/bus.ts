/** Binds {@link Bus}. */
export const BUS = Symbol('BUS');

export type Bytes = Uint8Array;

/**
 * Port: how the services reach one another. NATS in the distributed form, memory where all of them are one process; one
 * suite holds both to this.
 *
 * It may be used before the first connection and while there is none: `serve`, `subscribe`, `consume` and `watch` take
 * effect once connected and stay through every reconnection; what needs an answer rejects with BusUnavailableError at
 * once instead of waiting.
 */
export interface Bus {
  /** Whether the last connection stands. */
  readonly connected: boolean;
  /**
   * Asks one of those who serve the subject.
   *
   * @throws BusUnavailableError without a connection, when nobody serves it, or when no answer came in time;
   * RemoteError when the handler there failed.
   */
  request(subject: string, payload: Bytes, options: { timeoutMs: number }): Promise<Bytes>;
  /** Answers requests; each goes to one of those who give the same `group`. */
  serve(subject: string, group: string, handler: (payload: Bytes) => Promise<Bytes>): Subscription;
  /** Tells whoever listens now. Nobody is waited for and nothing is kept. */
  publish(subject: string, payload: Bytes): void;
  subscribe(subject: string, handler: (payload: Bytes) => void): Subscription;
  /**
   * Resolves once the stream has stored it. The same `dedupeId` within the stream's window is stored once.
   *
   * @throws BusUnavailableError when it is not known to be stored; it may be all the same.
   */
  append(stream: StreamDefinition, payload: Bytes, dedupeId: string): Promise<void>;
  /**
   * Reads a stream, one batch at a time, shared among all who give the same `durable` name. A batch is acknowledged when
   * the handler resolves and comes again, after a growing pause, when it rejects.
   */
  consume(
    stream: StreamDefinition,
    durable: string,
    batch: { sizeMax: number; waitMs: number },
    handler: (messages: StreamMessage[]) => Promise<void>,
  ): Subscription;
  /** How far a consumer is behind. @throws BusUnavailableError */
  backlog(stream: StreamDefinition, durable: string): Promise<Backlog>;
  /**
   * When the oldest message was stored that a consumer has not acknowledged, in milliseconds since the epoch; undefined:
   * there is none. @throws BusUnavailableError
   */
  waitingSince(stream: StreamDefinition, durable: string): Promise<number | undefined>;
  bucket(definition: BucketDefinition): Bucket;
  /** Calls at every connection, the first one included; at once where there is one. */
  onConnected(listener: () => void): Subscription;
  /** Ends what serves and consumes after what they have in hand, then disconnects. */
  close(): Promise<void>;
}

export interface Subscription {
  /** No further calls; resolves when those under way have ended. Idempotent. */
  stop(): Promise<void>;
}

export interface StreamDefinition {
  /** Upper case, with dashes or underscores. */
  name: string;
  subject: string;
  dedupeWindowMs: number;
  maxAgeMs: number;
  /**
   * Read by one durable alone: a message goes as soon as that has acknowledged it, and while `bytesMax` are held `append`
   * rejects. Absent: messages stay for `maxAgeMs`, whoever has read them.
   */
  queue?: { bytesMax: number };
}

export interface StreamMessage {
  payload: Bytes;
  /** Position in the stream, from 1. */
  sequence: number;
  /** How often it was handed out, this time included. */
  deliveries: number;
}

export interface Backlog {
  /** Stored and not yet handed out. */
  pending: number;
  /** Handed out and not yet acknowledged. */
  unacknowledged: number;
  /** Of those handed out, the ones that were before. */
  redelivered: number;
  /** Sequence of the last message stored; 0: none was. */
  lastSequence: number;
  /** Everything up to this sequence is acknowledged. */
  acknowledgedSequence: number;
}

export interface BucketDefinition {
  /** Letters, digits, dashes, underscores. */
  name: string;
  /** Entries older than this vanish; absent: they stay. */
  ttlMs?: number;
}

/** The latest value of each key, kept by the bus. Keys: letters, digits and `-/_=.`. */
export interface Bucket {
  /** Undefined: there never was one, as far as is known. @throws BusUnavailableError */
  get(key: string): Promise<BucketEntry | undefined>;
  /** @returns the new revision. @throws BusUnavailableError */
  put(key: string, value: Bytes): Promise<number>;
  /**
   * Only where there is no value now: a key that never was, was deleted, or whose entry has expired.
   *
   * @returns the new revision; undefined: there is a value. @throws BusUnavailableError when it is not known to be
   * written; it may be all the same.
   */
  create(key: string, value: Bytes): Promise<number | undefined>;
  /**
   * Only where the entry is still that of `revision`.
   *
   * @returns the new revision; undefined: somebody was faster, or it has expired. @throws BusUnavailableError when it is
   * not known to be written; it may be all the same.
   */
  update(key: string, value: Bytes, revision: number): Promise<number | undefined>;
  /** Leaves a mark behind: `get` then tells a deletion from a key that never was. @throws BusUnavailableError */
  delete(key: string): Promise<void>;
  /** Every key that has a value. @throws BusUnavailableError */
  keys(): Promise<string[]>;
  /**
   * `onEntry` gets every present entry (unless `updatesOnly`), then each change as it happens, deletions included.
   * After a reconnection it gets what changed meanwhile; with `updatesOnly` nothing is missed either.
   * `onCurrent` is called once the present entries have all been told, and again after every reconnection.
   */
  watch(watcher: BucketWatcher): Subscription;
}

export interface BucketWatcher {
  updatesOnly?: boolean;
  onEntry(entry: BucketEntry): void;
  onCurrent?(): void;
}

export interface BucketEntry {
  key: string;
  /** Absent: it was deleted. */
  value?: Bytes;
  /** Grows with every change in the bucket. */
  revision: number;
}

/** The bus is away, nobody serves, or no answer came in time. */
export class BusUnavailableError extends Error {
  override readonly name = 'BusUnavailableError';
}

/** The other side took the request and failed; its words are for the log. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
}
