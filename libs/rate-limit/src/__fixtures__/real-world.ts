import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Bus, ScopeBounds } from '@switchboard/contracts';
import {
  closeRedis,
  createLogger,
  createMetrics,
  type LocalServer,
  openNatsBus,
  openRedis,
  type Redis,
  startNats,
  startRedis,
} from '@switchboard/platform';
import { RedisEpoch } from '../adapters/redis-epoch';
import { RedisQuota } from '../adapters/redis-quota';
import { BusLimiter, type BusLimiterOptions } from '../bus-limiter';
import type { Quota } from '../core/quota';
import { guardQuota } from '../guarded-quota';
import { createRateLimit } from '../rate-limit';
import { TestLedger } from './test-ledger';
import { eventually } from './waiting';

const log = createLogger({ level: 'silent', name: 'test' });

/** What a process of the service is: connections of its own, and stopping in the order of one. */
export interface Replica {
  bus: Bus;
  redis: Redis;
  quota: Quota;
  stop(): Promise<void>;
}

export interface ReplicaOptions {
  leaseMs?: number;
  redisTimeoutMs?: number;
  /** What the limiter is given in place of its quota. */
  wrap?: (quota: Quota) => Quota;
}

/** The limiter as its service runs it, on a NATS and a Redis of its own. */
export class RealWorld {
  ledger = new TestLedger();
  readonly replicas = new Set<Replica>();
  private readonly ends: (() => Promise<void>)[] = [];

  private constructor(
    private readonly folder: string,
    public nats: LocalServer,
    public redis: LocalServer,
  ) {}

  static async start(): Promise<RealWorld> {
    const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-rate-limit-'));
    const [nats, redis] = await Promise.all([startNats({ folder, log }), startRedis({ folder, log })]);
    return new RealWorld(folder, nats, redis);
  }

  async replica({ leaseMs = 60_000, redisTimeoutMs = 1_000, wrap }: ReplicaOptions = {}): Promise<Replica> {
    const bus = openNatsBus({ url: this.nats.url, name: 'rate-limit', log });
    const redis = openRedis({ url: this.redis.url, log, name: 'rate-limit' });
    const store = new RedisEpoch(redis);
    const guarded = guardQuota(new RedisQuota({ redis, epoch: store.current, leaseMs }), redisTimeoutMs);
    const quota = wrap?.(guarded) ?? guarded;
    const { ledger } = this;
    const rateLimit = createRateLimit({ bus, quota, ledger, leaseMs, store, log, metrics: createMetrics() });
    const stop = async (): Promise<void> => {
      if (!this.replicas.delete(replica)) return;
      await rateLimit.close();
      await closeRedis(redis);
      await bus.close();
    };
    const replica = { bus, redis, quota, stop };
    this.replicas.add(replica);
    await eventually(() => {
      if (!bus.connected) throw new Error('not connected');
      store.current();
    });
    return replica;
  }

  /** With a connection of its own. */
  async edge(options: Partial<BusLimiterOptions> = {}): Promise<BusLimiter> {
    const bus = await this.bus();
    const edge = new BusLimiter({ bus, log, ...options });
    this.ends.unshift(() => edge.close(0));
    return edge;
  }

  async bus(): Promise<Bus> {
    const bus = openNatsBus({ url: this.nats.url, name: 'edge', log });
    this.ends.push(() => bus.close());
    await eventually(() => {
      if (!bus.connected) throw new Error('not connected');
    });
    return bus;
  }

  /** As the first replica has it. */
  async stateOf(bounds: ScopeBounds) {
    const [replica] = this.replicas;
    return (await replica?.quota.state({ group: 'tenant:acme', scopes: [bounds] }))?.scopes[0];
  }

  async stopRedis({ losesData = false } = {}): Promise<void> {
    await this.redis.stop(losesData ? 'SIGKILL' : 'SIGTERM');
    if (losesData) await rm(path.join(this.folder, 'redis'), { recursive: true });
  }

  async startRedis(): Promise<void> {
    this.redis = await startRedis({ folder: this.folder, port: this.redis.port, log });
  }

  async startNats(): Promise<void> {
    this.nats = await startNats({ folder: this.folder, port: this.nats.port, log });
  }

  /** Ends edges and replicas, for the next test. */
  async clear(): Promise<void> {
    await Promise.all([...this.replicas].map((replica) => replica.stop()));
    for (const end of this.ends.splice(0)) await end();
    this.ledger = new TestLedger();
  }

  async stop(): Promise<void> {
    await this.clear();
    await Promise.all([this.nats.stop(), this.redis.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}
