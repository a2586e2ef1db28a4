import type { ModuleMetadata } from '@nestjs/common';
import type { Backlog, Bus } from '@switchboard/contracts';
import type { Logger, Metrics } from '@switchboard/platform';
import type { OidcOptions } from './auth/token-verifier';

export const ADMIN_OPTIONS = Symbol('ADMIN_OPTIONS');

export interface AdminApiOptions {
  /** Its bearer owns the platform. With neither this nor `oidc`, `/api` answers 503. */
  adminToken?: string;
  /** Whose tokens are taken besides. */
  oidc?: OidcOptions;
  metrics: Metrics;
  logger: Logger;
  /** Absent: usage is all there is of the API. */
  administration?: Administration;
  /** Where the ports come from that are not global already. */
  imports?: ModuleMetadata['imports'];
  providers?: ModuleMetadata['providers'];
}

/** Calls that metering has not written yet, by where they are. */
export type UsageQueue = Pick<Backlog, 'pending' | 'unacknowledged'>;

/** What system health is told by. */
export interface Administration {
  bus: Bus;
  /** How far metering is behind. */
  usageBacklog(): Promise<UsageQueue>;
  /** Shown as missing while no process of theirs is seen; default: the five of the distributed form. */
  services?: readonly string[];
}
