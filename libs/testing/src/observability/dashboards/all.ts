import { admission } from './admission';
import type { Dashboard } from './dashboard';
import { meteringAndLedger } from './metering-and-ledger';
import { overview } from './overview';
import { runtime } from './runtime';
import { tenantsAndCost } from './tenants-and-cost';
import { upstreamsAndRouting } from './upstreams-and-routing';

export const DASHBOARDS: readonly Dashboard[] = [
  overview,
  tenantsAndCost,
  upstreamsAndRouting,
  admission,
  meteringAndLedger,
  runtime,
];
