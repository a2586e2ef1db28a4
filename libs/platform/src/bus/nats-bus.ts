import type {
  Backlog,
  Bucket,
  BucketDefinition,
  Bus,
  Bytes,
  StreamDefinition,
  Subscription,
} from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import type { BatchHandler } from './local-stream';
import { parseNatsUrl } from './nats-address';
import { backlogOf, waitingSince } from './nats-backlog';
import { NatsBucket } from './nats-bucket';
import { consume, streamShape } from './nats-consumer';
import { unavailable } from './nats-faults';
import { NatsLink } from './nats-link';
import { listen, request, serve } from './nats-requests';
import type { NatsSession, StreamShape } from './nats-session';

export interface NatsBusOptions {
  /** `nats://[user:password@|token@]host[:port]`, several separated by commas; `tls://` for an encrypted connection. */
  url: string;
  /** Of this process: shown by the server. */
  name: string;
  log: Logger;
  /** The text of a `.creds` file. */
  credentials?: string;
  /** On how many servers streams and buckets are kept; 1 by default. */
  replicas?: number;
  /** After so long the server hands out again what nobody acknowledged nor is at work on; 30 s by default. */
  ackWaitMs?: number;
}

/**
 * The bus over NATS. Returns at once and connects in the background, for ever.
 *
 * @throws Error when the URL is not one.
 */
export function openNatsBus({ url, name, log, credentials, replicas = 1, ackWaitMs }: NatsBusOptions): Bus {
  return new NatsBus(new NatsLink(parseNatsUrl(url, credentials), { name, replicas }, log), log, ackWaitMs);
}

class NatsBus implements Bus {
  private readonly buckets = new Map<string, NatsBucket>();
  private readonly subscriptions = new Set<Subscription>();
  private closed: Promise<void> | undefined;

  constructor(
    private readonly link: NatsLink,
    private readonly log: Logger,
    private readonly ackWaitMs: number | undefined,
  ) {}

  get connected(): boolean {
    return this.link.session !== undefined;
  }

  request(subject: string, payload: Bytes, { timeoutMs }: { timeoutMs: number }): Promise<Bytes> {
    return request(this.link, subject, payload, timeoutMs);
  }

  serve(subject: string, group: string, handler: (payload: Bytes) => Promise<Bytes>): Subscription {
    return this.kept(serve({ link: this.link, subject, group, handler, log: this.log }));
  }

  publish(subject: string, payload: Bytes): void {
    try {
      this.link.session?.connection.publish(subject, payload);
    } catch (error) {
      this.log.error({ err: error, subject, bytes: payload.length }, 'a message could not be published');
    }
  }

  subscribe(subject: string, handler: (payload: Bytes) => void): Subscription {
    return this.kept(listen({ link: this.link, subject, handler, log: this.log }));
  }

  append(stream: StreamDefinition, payload: Bytes, dedupeId: string): Promise<void> {
    return this.ask(`appending to the stream ${stream.name}`, stream, async ({ jetstream }) => {
      await jetstream.publish(stream.subject, payload, { msgID: dedupeId, expect: { streamName: stream.name } });
    });
  }

  consume(
    stream: StreamDefinition,
    durable: string,
    batch: { sizeMax: number; waitMs: number },
    handler: BatchHandler,
  ): Subscription {
    const shape = streamShape(stream);
    const { link, log, ackWaitMs } = this;
    return this.kept(consume({ link, shape, durable, batch, handler, log, ackWaitMs }));
  }

  backlog(stream: StreamDefinition, durable: string): Promise<Backlog> {
    return this.ask(`asking how far ${durable} is`, stream, (session, shape) => backlogOf(session, shape, durable));
  }

  waitingSince(stream: StreamDefinition, durable: string): Promise<number | undefined> {
    return this.ask(`asking how old what waits for ${durable} is`, stream, (session, shape) =>
      waitingSince(session, shape, durable),
    );
  }

  bucket(definition: BucketDefinition): Bucket {
    const known = this.buckets.get(definition.name);
    if (known !== undefined) return known;
    const bucket = new NatsBucket(definition, this.link, this.log);
    this.buckets.set(definition.name, bucket);
    return bucket;
  }

  onConnected(listener: () => void): Subscription {
    let stopped = false;
    const off = this.link.onSession(() => {
      // Never inside the call that asked for it.
      queueMicrotask(() => {
        if (!stopped) listener();
      });
    });
    return this.kept({
      stop: () => {
        stopped = true;
        off();
        return Promise.resolve();
      },
    });
  }

  close(): Promise<void> {
    return (this.closed ??= this.end());
  }

  private async end(): Promise<void> {
    const stopped = [...this.subscriptions].map((subscription) => subscription.stop());
    await Promise.all([...stopped, ...[...this.buckets.values()].map((bucket) => bucket.close())]);
    await this.link.close();
  }

  private kept({ stop }: Subscription): Subscription {
    let stopped: Promise<void> | undefined;
    const subscription: Subscription = {
      stop: () => (stopped ??= stop().finally(() => this.subscriptions.delete(subscription))),
    };
    this.subscriptions.add(subscription);
    return subscription;
  }

  private async ask<T>(
    doing: string,
    stream: StreamDefinition,
    work: (session: NatsSession, shape: StreamShape) => Promise<T>,
  ): Promise<T> {
    const session = this.link.require();
    const shape = streamShape(stream);
    try {
      return await session.withStream(shape, () => work(session, shape));
    } catch (error) {
      throw unavailable(doing, error);
    }
  }
}
