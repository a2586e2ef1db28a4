import type { CallLog, CatalogSource, KeyDirectory, UsageSink } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import type { UpstreamPools } from '../adapters/upstream-pools';
import type { TokenCounter } from '../adapters/token-counter';
import type { EdgeSettings } from '../client';
import type { Planner } from '../core/plan';
import type { HeaderNames } from '../core/reply-headers';
import type { EdgeMetrics } from '../edge-metrics';
import type { Admissions } from './admissions';
import type { ProviderAccounts } from './provider-accounts';
import type { RequestTraces } from './request-traces';
import type { ResponseStorage } from './response-storage';
import type { Sweeper } from './sweeper';
import type { TurnStages } from './turn-stages';

/** Once it has begun, every reply asks its client to come back on another connection: to another replica. */
export interface Drain {
  begun: boolean;
}

/** Everything a request needs of the process, handed down once instead of injected per request. */
export interface EdgeContext {
  settings: EdgeSettings;
  names: HeaderNames;
  catalog: CatalogSource;
  planner: Planner;
  keys: KeyDirectory;
  admissions: Admissions;
  accounts: ProviderAccounts;
  usage: UsageSink;
  /** Absent: no call is logged, whatever its key asks for. */
  calls: CallLog | undefined;
  responses: ResponseStorage;
  pools: UpstreamPools;
  tokens: TokenCounter;
  sweeper: Sweeper;
  stages: TurnStages;
  drain: Drain;
  metrics: EdgeMetrics;
  /** Absent: there is nowhere to tell of them. */
  traces: RequestTraces | undefined;
  log: Logger;
}
