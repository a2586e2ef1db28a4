import { type Bus, decodeJson, type LimiterBatchV2, type ScopeBounds, SUBJECTS } from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics } from '@switchboard/platform';
import { BusLimiter, type BusLimiterOptions } from '../bus-limiter';
import { InMemoryQuota } from '../core/in-memory-quota';
import type { Quota } from '../core/quota';
import { createRateLimit, type RateLimit, type RateLimitOptions } from '../rate-limit';
import { TestLedger } from './test-ledger';

const quiet = createLogger({ level: 'silent', name: 'test' });

/** Replicas of the limiter over one quota, and edges, on a bus in memory. */
export class LocalWorld {
  readonly bus = createLocalBus({ log: quiet });
  readonly ledger = new TestLedger();
  /** Of the first replica. */
  readonly metrics = createMetrics();
  /** What edges and replicas log. */
  readonly lines: string[] = [];
  readonly log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void this.lines.push(line) });
  /** The steps of each message that reached a replica, by what they do. */
  readonly messages: string[][] = [];
  quota: Quota;
  private readonly replicas: RateLimit[] = [];
  private readonly edges: BusLimiter[] = [];

  constructor(readonly leaseMs = 60_000) {
    this.quota = new InMemoryQuota({ leaseMs });
  }

  replica(changes: Partial<RateLimitOptions> = {}): RateLimit {
    const { ledger, leaseMs, log, quota } = this;
    const metrics = this.replicas.length === 0 ? this.metrics : createMetrics();
    const replica = createRateLimit({ bus: this.recorded(), quota, ledger, leaseMs, log, metrics, ...changes });
    this.replicas.push(replica);
    return replica;
  }

  edge(changes: Partial<BusLimiterOptions> = {}): BusLimiter {
    const edge = new BusLimiter({ bus: this.bus, log: this.log, ...changes });
    this.edges.push(edge);
    return edge;
  }

  /** Calls open in a scope, as the quota has it. */
  async open(scope = 'key:key_1'): Promise<number | undefined> {
    return (await this.stateOf({ scope, limits: {}, budgets: [] }))?.open;
  }

  async stateOf(bounds: ScopeBounds) {
    return (await this.quota.state({ group: 'tenant:acme', scopes: [bounds] })).scopes[0];
  }

  logged(text: string): number {
    return this.lines.filter((line) => line.includes(text)).length;
  }

  async stop(): Promise<void> {
    await Promise.all(this.edges.map((edge) => edge.close(0)));
    await Promise.all(this.replicas.map((replica) => replica.close()));
    await this.bus.close();
  }

  private recorded(): Bus {
    const serve: Bus['serve'] = (subject, group, handler) =>
      this.bus.serve(subject, group, (payload) => {
        if (subject === SUBJECTS.limiterBatch) this.messages.push(stepsIn(payload));
        return handler(payload);
      });
    return Object.create(this.bus, { serve: { value: serve } }) as Bus;
  }
}

function stepsIn(payload: Uint8Array): string[] {
  const { steps } = decodeJson<Partial<LimiterBatchV2>>(payload);
  if (!Array.isArray(steps)) return [];
  return steps.map((step) => String((step as { do?: unknown } | null)?.do));
}
