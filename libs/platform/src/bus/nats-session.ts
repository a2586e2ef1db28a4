import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from 'nats';
import { isStreamDifferent, isStreamMissing } from './nats-faults';

const API_TIMEOUT_MS = 5_000;

/** What differs between one stream and another. Times in nanoseconds. */
export type StreamShape = Pick<StreamConfig, 'name' | 'subjects' | 'max_age' | 'duplicate_window'> &
  Partial<StreamConfig>;

/** One connection, from its making to its end; streams are made sure of once in each. */
export class NatsSession {
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  private readonly streams = new Map<string, Promise<StreamInfo>>();

  constructor(
    readonly connection: NatsConnection,
    manager: JetStreamManager,
    private readonly replicas: number,
  ) {
    this.jetstream = connection.jetstream({ timeout: API_TIMEOUT_MS });
    this.manager = manager;
  }

  static async open(connection: NatsConnection, replicas: number): Promise<NatsSession> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: API_TIMEOUT_MS });
    return new NatsSession(connection, manager, replicas);
  }

  get closed(): boolean {
    return this.connection.isClosed();
  }

  /** Creates the stream, or gives the one there is this shape. The first answer of the session is kept. */
  ensure(shape: StreamShape): Promise<StreamInfo> {
    const known = this.streams.get(shape.name);
    if (known !== undefined) return known;
    const made = this.make(shape);
    this.streams.set(shape.name, made);
    made.catch(() => this.forget(shape, made));
    return made;
  }

  /** Its state now; made again if it has vanished. */
  async refresh(shape: StreamShape): Promise<StreamInfo> {
    return this.withStream(shape, () => this.manager.streams.info(shape.name));
  }

  /** Does something that needs the stream; once more if it turns out to have vanished since it was made sure of. */
  async withStream<T>(shape: StreamShape, work: () => Promise<T>): Promise<T> {
    const ensured = this.ensure(shape);
    await ensured;
    try {
      return await work();
    } catch (error) {
      if (!isStreamMissing(error)) throw error;
      this.forget(shape, ensured);
      await this.ensure(shape);
      return work();
    }
  }

  private forget(shape: StreamShape, known: Promise<StreamInfo>): void {
    if (this.streams.get(shape.name) === known) this.streams.delete(shape.name);
  }

  private async make(shape: StreamShape): Promise<StreamInfo> {
    const config = {
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      num_replicas: this.replicas,
      ...shape,
    };
    try {
      return await this.manager.streams.add(config);
    } catch (error) {
      if (!isStreamDifferent(error)) throw error;
      // Never fewer than there are: a process that was not told of them yet would take back what others asked for.
      const { num_replicas } = (await this.manager.streams.info(shape.name)).config;
      return this.manager.streams.update(shape.name, {
        ...config,
        num_replicas: Math.max(num_replicas, this.replicas),
      });
    }
  }
}
