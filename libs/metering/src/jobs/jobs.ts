import type { Logger, Metrics, Pool } from '@switchboard/platform';
import { rollupRepair } from './adapters/rollup-repair';
import type { Job } from './job';

/** What the recurring jobs of metering work with. */
export interface JobParts {
  /** See `createJobPool`. */
  pool: Pool;
  databaseUrl: string;
  log: Logger;
  metrics: Metrics;
}

/** All of them. A name stays what it is: it is a queue in Redis, and a label. */
export function meteringJobs(parts: JobParts): Job[] {
  return [rollupRepair(parts)];
}
