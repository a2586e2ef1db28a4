import {
  type Backlog,
  type Bucket,
  type BucketDefinition,
  type Bus,
  BusUnavailableError,
  type Bytes,
  RemoteError,
  type StreamDefinition,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import { HandlerFailures } from './handler-failures';
import { InHand } from './in-hand';
import { LocalBucket } from './local-bucket';
import { type BatchHandler, LocalStream } from './local-stream';

/**
 * The bus of a process that holds all the services: in memory, connected from the start, empty at every start. Handlers
 * run after the call that reached them, never inside it.
 */
export function createLocalBus({ log }: { log: Logger }): Bus {
  return new LocalBus(log);
}

interface Server {
  group: string;
  inHand: InHand;
  failures: HandlerFailures;
  handler: (payload: Bytes) => Promise<Bytes>;
}

interface Listener {
  handler: (payload: Bytes) => void;
  stopped: boolean;
}

interface Answer {
  resolve(payload: Bytes): void;
  reject(error: Error): void;
}

class LocalBus implements Bus {
  connected = true;
  private readonly servers = new Map<string, Server[]>();
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly streams = new Map<string, LocalStream>();
  private readonly buckets = new Map<string, LocalBucket>();
  private readonly subscriptions = new Set<Subscription>();

  constructor(private readonly log: Logger) {}

  async request(subject: string, payload: Bytes, { timeoutMs }: { timeoutMs: number }): Promise<Bytes> {
    this.checkOpen();
    const servers = this.nextOfEachGroup(subject);
    if (servers.length === 0) throw new BusUnavailableError(`nobody serves ${subject}`);
    return new Promise<Bytes>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new BusUnavailableError(`no answer on ${subject} within ${timeoutMs} ms`)),
        timeoutMs,
      );
      // The first answer counts, as on a network.
      const answer: Answer = {
        resolve: (given) => (clearTimeout(timer), resolve(given)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      };
      for (const server of servers) this.ask(server, Uint8Array.from(payload), answer);
    });
  }

  serve(subject: string, group: string, handler: (payload: Bytes) => Promise<Bytes>): Subscription {
    const server: Server = { group, handler, inHand: new InHand(), failures: new HandlerFailures(this.log, subject) };
    const servers = this.servers.get(subject) ?? [];
    this.servers.set(subject, servers);
    servers.push(server);
    return this.subscription(async () => {
      const index = servers.indexOf(server);
      if (index !== -1) servers.splice(index, 1);
      await server.inHand.ended();
    });
  }

  publish(subject: string, payload: Bytes): void {
    if (!this.connected) return;
    for (const listener of this.listeners.get(subject) ?? []) {
      const given = Uint8Array.from(payload);
      queueMicrotask(() => this.tell(listener, subject, given));
    }
  }

  subscribe(subject: string, handler: (payload: Bytes) => void): Subscription {
    const listener: Listener = { handler, stopped: false };
    const listeners = this.listeners.get(subject) ?? new Set();
    this.listeners.set(subject, listeners.add(listener));
    return this.subscription(() => {
      listener.stopped = true;
      listeners.delete(listener);
      return Promise.resolve();
    });
  }

  async append(stream: StreamDefinition, payload: Bytes, dedupeId: string): Promise<void> {
    this.checkOpen();
    this.stream(stream).append(payload, dedupeId);
    await Promise.resolve();
  }

  consume(
    stream: StreamDefinition,
    durable: string,
    batch: { sizeMax: number; waitMs: number },
    handler: BatchHandler,
  ): Subscription {
    const consumer = this.stream(stream).consume(durable, batch, handler);
    return this.subscription(() => consumer.stop());
  }

  async backlog(stream: StreamDefinition, durable: string): Promise<Backlog> {
    this.checkOpen();
    return Promise.resolve(this.stream(stream).backlog(durable));
  }

  async waitingSince(stream: StreamDefinition, durable: string): Promise<number | undefined> {
    this.checkOpen();
    return Promise.resolve(this.stream(stream).waitingSince(durable));
  }

  bucket(definition: BucketDefinition): Bucket {
    const known = this.buckets.get(definition.name);
    if (known !== undefined) return known;
    const bucket = new LocalBucket(definition, this.log, () => this.checkOpen());
    this.buckets.set(definition.name, bucket);
    return bucket;
  }

  onConnected(listener: () => void): Subscription {
    let stopped = !this.connected;
    queueMicrotask(() => {
      if (!stopped) listener();
    });
    return this.subscription(() => {
      stopped = true;
      return Promise.resolve();
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.stop()));
    this.connected = false;
    for (const bucket of this.buckets.values()) bucket.close();
  }

  private subscription(stop: () => Promise<void>): Subscription {
    let stopped: Promise<void> | undefined;
    const subscription: Subscription = {
      stop: () => (stopped ??= stop().finally(() => this.subscriptions.delete(subscription))),
    };
    this.subscriptions.add(subscription);
    return subscription;
  }

  private stream(definition: StreamDefinition): LocalStream {
    const known = this.streams.get(definition.name);
    if (known !== undefined) return known;
    const stream = new LocalStream(definition, this.log);
    this.streams.set(definition.name, stream);
    return stream;
  }

  /** Turns are taken within a group; each group has its own answer. */
  private nextOfEachGroup(subject: string): Server[] {
    const servers = this.servers.get(subject) ?? [];
    const chosen = new Map<string, Server>();
    for (const server of servers) if (!chosen.has(server.group)) chosen.set(server.group, server);
    for (const server of chosen.values()) servers.push(...servers.splice(servers.indexOf(server), 1));
    return [...chosen.values()];
  }

  private ask(server: Server, payload: Bytes, answer: Answer): void {
    server.inHand.run(async () => {
      await Promise.resolve();
      try {
        answer.resolve(Uint8Array.from(await server.handler(payload)));
      } catch (error) {
        server.failures.report(error);
        answer.reject(new RemoteError(error instanceof Error ? error.message : String(error)));
      }
    });
  }

  private tell(listener: Listener, subject: string, payload: Bytes): void {
    if (listener.stopped) return;
    try {
      listener.handler(payload);
    } catch (error) {
      this.log.error({ err: error, subject }, 'a listener failed; it goes on with the next message');
    }
  }

  private checkOpen(): void {
    if (!this.connected) throw new BusUnavailableError('the bus is closed');
  }
}
