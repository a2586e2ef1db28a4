import type { ModuleMetadata } from '@nestjs/common';
import type { Logger, Metrics } from '@switchboard/platform';

export const ADMIN_OPTIONS = Symbol('ADMIN_OPTIONS');

export interface AdminApiOptions {
  /** What a caller of `/api` must bear. Absent: `/api` answers 503; probes and metrics work. */
  adminToken?: string;
  metrics: Metrics;
  logger: Logger;
  /** Where USAGE_QUERIES and HEALTH_CHECKS come from, where they are not global already. */
  imports?: ModuleMetadata['imports'];
  providers?: ModuleMetadata['providers'];
}
