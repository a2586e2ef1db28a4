import {
  BUCKETS,
  type BucketEntry,
  type Bus,
  decodeJson,
  encodeJson,
  type ExplainRequestV1,
  type HealthCheck,
  type OutcomesV1,
  SUBJECTS,
  type Subscription,
} from '@switchboard/contracts';
import {
  catalogHealth,
  type CatalogReplica,
  createCatalogReplica,
  Lease,
  type LeaseOptions,
  type Logger,
  type Metrics,
} from '@switchboard/platform';
import { Evaluator } from './core/evaluator';
import { explain } from './core/explain';
import { Leadership } from './leadership';
import { PublishedRouting } from './published-routing';
import { registerRouterMetrics, type RouterMetrics } from './router-metrics';

export interface RouterOptions {
  bus: Bus;
  log: Logger;
  metrics: Metrics;
  /** This process among those of its service. */
  instance: string;
  /** Whether providers on this machine are probed. */
  allowLoopback: boolean;
  /** How often the head of the snapshot is written although nothing changed. */
  refreshEveryMs?: number;
  /** Where the routers agree on who leads. */
  leases?: LeaseOptions['definition'];
}

/** The router without Nest. */
export interface Router {
  health: HealthCheck;
  /** Answers what it has in hand and publishes no more; another may lead at once. The bus stays open. */
  close(): Promise<void>;
}

/** Starts at once and works as soon as the bus is there and a catalog is published. */
export function createRouter(options: RouterOptions): Router {
  const router = new RouterReplica(options);
  return { health: router.health, close: () => router.close() };
}

/** One of several: all listen and explain, the one that leads finds how the upstreams are and publishes it. */
class RouterReplica {
  readonly health: HealthCheck;
  private readonly replica: CatalogReplica;
  private readonly evaluator = new Evaluator();
  private readonly published: PublishedRouting;
  private readonly metrics: RouterMetrics;
  private readonly lease: Lease;
  private readonly subscriptions: Subscription[];
  private leadership: Leadership | undefined;
  private viewing: Subscription | undefined;
  /** Leaderships and their answers that are coming to their end. */
  private ending: Promise<void> = Promise.resolve();
  private readonly loggedRefusals = new Set<string>();
  private outcomesFailing = false;

  constructor(private readonly options: RouterOptions) {
    const { bus, log, metrics, instance } = options;
    // No sealer: who only ranks needs no credentials.
    this.replica = createCatalogReplica({ bus, log });
    this.health = catalogHealth(this.replica);
    this.published = new PublishedRouting(log);
    this.metrics = registerRouterMetrics(metrics, {
      published: this.published,
      isLeading: () => this.leadership !== undefined,
      refusedAccounts: () => this.refusedAccounts(),
    });
    this.subscriptions = [
      this.replica.onChange((catalog) => this.evaluator.keepOnly(catalog)),
      bus.bucket(BUCKETS.routing).watch({ onEntry: (entry) => this.onEntry(entry) }),
      bus.subscribe(SUBJECTS.outcomes, (payload) => this.onOutcomes(payload)),
      bus.serve(SUBJECTS.explain, 'router', (payload) => this.explain(payload)),
    ];
    const onChange = (leading: boolean, epoch: number): void => this.onLease(leading, epoch);
    const { leases: definition } = options;
    this.lease = new Lease({ bus, key: 'router', holder: instance, log, onChange, ...(definition && { definition }) });
  }

  async close(): Promise<void> {
    // What is being written is written before another may lead.
    await this.leadership?.stop();
    await this.lease.stop();
    await Promise.all([this.ending, ...this.subscriptions.map((subscription) => subscription.stop())]);
    await this.replica.stop();
  }

  private onLease(leading: boolean, epoch: number): void {
    const { bus, log, instance, allowLoopback, refreshEveryMs } = this.options;
    if (!leading) {
      log.info('this router leads no more');
      this.ending = this.end(this.ending, this.leadership, this.viewing);
      this.leadership = this.viewing = undefined;
      return;
    }
    log.info({ epoch }, 'this router leads');
    const { replica, evaluator, published, metrics } = this;
    const leadership = new Leadership({
      ...{ bus, log, instance, allowLoopback, replica, evaluator, published, metrics, epoch },
      ...(refreshEveryMs !== undefined && { refreshEveryMs }),
    });
    this.leadership = leadership;
    this.viewing = bus.serve(SUBJECTS.upstreams, 'router', () =>
      Promise.resolve(encodeJson(leadership.view(performance.now()))),
    );
  }

  private async end(before: Promise<void>, leadership?: Leadership, viewing?: Subscription): Promise<void> {
    await leadership?.stop();
    await viewing?.stop();
    await before;
  }

  private onEntry(entry: BucketEntry): void {
    const told = this.published.tell(entry);
    if (this.leadership !== undefined) this.leadership.check(entry.key, told);
    else if (told !== undefined && 'upstreams' in told) {
      this.evaluator.adopt(told, { nowMs: performance.now(), atMs: Date.now() });
    }
  }

  private onOutcomes(payload: Uint8Array): void {
    try {
      const outcomes = decodeJson<OutcomesV1>(payload);
      const isTrouble = this.evaluator.observations.take(outcomes, performance.now());
      this.metrics.outcomes.inc({ result: 'taken' });
      this.outcomesFailing = false;
      for (const { provider } of outcomes.providers) this.logRefusal(provider);
      if (isTrouble || this.isAwaited(outcomes)) this.leadership?.evaluateSoon();
    } catch (error) {
      this.metrics.outcomes.inc({ result: 'unreadable' });
      if (!this.outcomesFailing) this.options.log.error({ err: error }, 'a report of outcomes cannot be read');
      this.outcomesFailing = true;
    }
  }

  /** Whether it may bring an upstream back. */
  private isAwaited({ upstreams }: OutcomesV1): boolean {
    return upstreams.some((outcomes) => {
      const found = this.evaluator.upstream(outcomes);
      return found !== undefined && found.health.state !== 'healthy';
    });
  }

  /** Once, until it serves again: an operator has to do something about it. */
  private logRefusal(provider: string): void {
    const { refusal } = this.evaluator.observations.account(provider);
    if (refusal === undefined) {
      if (this.loggedRefusals.delete(provider))
        this.options.log.info({ provider }, 'a provider serves our account again');
    } else if (!this.loggedRefusals.has(provider)) {
      this.loggedRefusals.add(provider);
      this.options.log.error({ provider, refusal }, 'a provider refuses our account: nothing is served there');
    }
  }

  private *refusedAccounts(): Iterable<readonly [string, boolean]> {
    for (const provider of this.replica.current().providers.keys()) {
      yield [provider, this.evaluator.observations.account(provider).refusal !== undefined];
    }
  }

  private explain(payload: Uint8Array): Promise<Uint8Array> {
    try {
      const request = { ...readRequest(payload, this.replica), atMs: Date.now() };
      const answer = encodeJson(explain(request, this.replica.current(), this.published));
      this.metrics.explanations.inc({ result: 'answered' });
      return Promise.resolve(answer);
    } catch (error) {
      this.metrics.explanations.inc({ result: 'failed' });
      throw error;
    }
  }
}

function readRequest(payload: Uint8Array, replica: CatalogReplica): ExplainRequestV1 {
  if (!replica.isReady) throw new Error('no catalog has been published yet');
  const request = decodeJson<Partial<ExplainRequestV1> | null>(payload);
  if (typeof request?.model !== 'string') throw new Error('model must be given');
  return { model: request.model };
}
