import type { CatalogSource, KeyDirectory, UsageSink } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import type { UpstreamPools } from '../adapters/upstream-pools';
import type { TokenCounter } from '../adapters/token-counter';
import type { EdgeSettings } from '../client';
import type { HeaderNames } from '../core/reply-headers';
import type { EdgeMetrics } from '../edge-metrics';
import type { Sweeper } from './sweeper';

/** Everything a request needs of the process, handed down once instead of injected per request. */
export interface EdgeContext {
  settings: EdgeSettings;
  names: HeaderNames;
  catalog: CatalogSource;
  keys: KeyDirectory;
  usage: UsageSink;
  pools: UpstreamPools;
  tokens: TokenCounter;
  sweeper: Sweeper;
  metrics: EdgeMetrics;
  log: Logger;
}
