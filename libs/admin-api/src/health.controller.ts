import { setTimeout as delay } from 'node:timers/promises';
import { Inject } from '@nestjs/common';
import { ROUTING_EXPLAINER, type RoutingExplainer, type UpstreamsV1 } from '@switchboard/contracts';
import { routingView } from './core/routing-view';
import { type OutboxState, StoreHealth } from './http/adapters/store-health';
import { endpoint, Handles } from './http/endpoint';
import { healthReply } from './http/replies/record-replies';
import { ApiController } from './http/routes';
import { type SeenInstance, ServiceRegistry } from './http/service-registry';
import { ADMIN_OPTIONS, type AdminApiOptions, type UsageQueue } from './options';

const HEALTH = endpoint({
  ...{ method: 'GET', path: '', operationId: 'getHealth' },
  summary: 'Every service and store of the system, as last seen: 200 however they do.',
  ...{ permission: 'health.read', target: { at: 'platform' }, reply: healthReply },
});

/** Shown as missing while no process of theirs is seen. */
const SERVICES = ['admin-api', 'edge-api', 'metering', 'rate-limit', 'router'];
const CHECK_TIMEOUT_MS = 2_000;

type Outcome<T> = { ok: true; value: T } | { ok: false; reason: string };

@ApiController('health')
export class HealthController {
  constructor(
    @Inject(ServiceRegistry) private readonly registry: ServiceRegistry,
    @Inject(StoreHealth) private readonly store: StoreHealth,
    @Inject(ADMIN_OPTIONS) private readonly options: AdminApiOptions,
    @Inject(ROUTING_EXPLAINER) private readonly router: RoutingExplainer,
  ) {}

  @Handles(HEALTH)
  async health() {
    const { administration } = this.options;
    const [queue, outbox, routing] = await Promise.all([
      outcomeOf<UsageQueue | undefined>(administration?.usageBacklog() ?? Promise.resolve(undefined)),
      outcomeOf<OutboxState>(this.store.outbox(new Date())),
      outcomeOf<UpstreamsV1>(this.router.upstreams()),
    ]);
    const services = servicesOf(this.registry.instances(), administration?.services ?? SERVICES);
    const bus = administration?.bus.connected === true ? ('up' as const) : ('down' as const);
    const well = services.every(({ status }) => status === 'ready') && bus === 'up' && outbox.ok && queue.ok;
    return {
      status: well ? 'ok' : 'degraded',
      services,
      bus: { status: bus },
      postgres: outbox.ok ? { status: 'up' } : { status: 'down', error: outbox.reason },
      usageQueue: queue.ok && queue.value !== undefined ? queueView(queue.value) : null,
      outbox: outbox.ok ? outbox.value : null,
      routing: routing.ok ? routingView(routing.value) : null,
    };
  }
}

function queueView({ pending, unacknowledged }: UsageQueue): UsageQueue {
  return { pending, unacknowledged };
}

async function outcomeOf<T>(work: Promise<T>): Promise<Outcome<T>> {
  const timer = new AbortController();
  const late = delay(CHECK_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`);
  });
  try {
    return { ok: true, value: await Promise.race([work, late]) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    timer.abort();
  }
}

/** A service does as well as the best of its instances that still beat. */
function servicesOf(instances: readonly SeenInstance[], expected: readonly string[]) {
  const names = [...new Set([...expected, ...instances.map(({ service }) => service)])].sort();
  return names.map((service) => {
    const own = instances.filter((instance) => instance.service === service);
    const beating = own.filter(({ stale }) => !stale).map(({ status }) => status);
    const status = (['ready', 'degraded', 'unavailable'] as const).find((one) => beating.includes(one)) ?? 'missing';
    return { service, status, instances: own.map(instanceView) };
  });
}

function instanceView({ instance, version, startedAtMs, lastSeenAtMs, stale, status, checks }: SeenInstance) {
  const shown = Object.entries(checks).map(([name, check]) => {
    const { required, error } = check;
    return [name, { status: check.status, required, ...(error === undefined ? {} : { error }) }] as const;
  });
  return {
    ...{ instance, version, stale, status, checks: Object.fromEntries(shown) },
    startedAt: new Date(startedAtMs).toISOString(),
    lastSeenAt: new Date(lastSeenAtMs).toISOString(),
  };
}
