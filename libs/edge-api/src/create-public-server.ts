import type { CallLog, CatalogSource, KeyDirectory, Limiter, ResponseStore, UsageSink } from '@switchboard/contracts';
import type { Logger, Metrics } from '@switchboard/platform';
import { PublicServer } from './adapters/public-server';
import { TokenCounter } from './adapters/token-counter';
import { UpstreamPools } from './adapters/upstream-pools';
import type { EdgeSettings } from './client';
import { Planner } from './core/plan';
import { headerNames } from './core/reply-headers';
import { UpstreamRegistry } from './core/upstream-registry';
import { EdgeMetrics } from './edge-metrics';
import { Admissions } from './inference/admissions';
import { ProviderAccounts } from './inference/provider-accounts';
import { RequestTraces, type TraceOptions } from './inference/request-traces';
import { ResponseStorage } from './inference/response-storage';
import { Sweeper } from './inference/sweeper';
import { TurnStages } from './inference/turn-stages';

export interface PublicServerOptions {
  settings: EdgeSettings;
  logger: Logger;
  metrics: Metrics;
  /** Absent: nothing is traced. */
  traces?: TraceOptions | undefined;
}

/** What the public port asks of others. */
export interface EdgePorts {
  catalog: CatalogSource;
  /** Absent: nobody else needs to know of them. */
  upstreams?: UpstreamRegistry | undefined;
  keys: KeyDirectory;
  usage: UsageSink;
  /** Absent: no call is logged, whatever its key asks for. */
  calls?: CallLog | undefined;
  /** Absent: no response is stored, and none can be gone on from. */
  responses?: ResponseStore | undefined;
  /** Whether responses are stored, which may change. Absent: they are. */
  storeResponses?: () => boolean;
  /** Absent: no call is reserved. */
  limiter?: Limiter | undefined;
  /** Where the policy may change; else it is that of the settings. */
  limiterUnavailable?: () => 'open' | 'closed';
}

/** Everything behind the public port, which does not listen yet. */
export function createPublicServer(options: PublicServerOptions, ports: EdgePorts): PublicServer {
  const { settings, logger, metrics, traces } = options;
  const sweeper = new Sweeper();
  const whenUnavailable = ports.limiterUnavailable ?? (() => settings.limiterUnavailable ?? 'open');
  return new PublicServer({
    settings,
    names: headerNames(settings.brand.slug),
    catalog: ports.catalog,
    planner: new Planner(ports.upstreams ?? new UpstreamRegistry()),
    keys: ports.keys,
    usage: ports.usage,
    calls: ports.calls,
    responses: new ResponseStorage(ports.responses, ports.storeResponses ?? (() => true)),
    admissions: new Admissions({ limiter: ports.limiter, whenUnavailable, metrics, log: logger }),
    accounts: new ProviderAccounts({ limiter: ports.limiter, metrics, log: logger }),
    pools: new UpstreamPools({
      allowLoopback: settings.allowLoopback ?? true,
      onCloseError: (error) => logger.error({ err: error }, 'closing an upstream pool failed'),
    }),
    tokens: new TokenCounter((error) =>
      logger.error({ err: error }, 'the token counter crashed and will be restarted'),
    ),
    sweeper,
    stages: new TurnStages((error) => logger.error({ err: error }, 'a step of a call failed inside the gateway')),
    drain: { begun: false },
    metrics: new EdgeMetrics(metrics, { catalog: ports.catalog, open: () => sweeper.size }),
    traces: traces && new RequestTraces(traces),
    log: logger,
  });
}
