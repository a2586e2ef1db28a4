import type { Pool } from '@switchboard/platform';

export interface DearTenant {
  tenantId: string;
  costNanoUsd: number;
  requests: number;
}

const SELECT = `
  SELECT tenant_id, sum(cost_nano_usd)::float8 AS cost, sum(requests)::float8 AS requests
  FROM usage_rollups_by_key_day
  WHERE day = date_trunc('day', $1::timestamptz, 'UTC')
  GROUP BY tenant_id
  ORDER BY cost DESC, tenant_id
  LIMIT $2`;

/** Of the day (UTC) of `atMs`, the dearest first. */
export async function dearestTenants(
  pool: Pool,
  { atMs, most }: { atMs: number; most: number },
): Promise<DearTenant[]> {
  const { rows } = await pool.query<{ tenant_id: string; cost: number; requests: number }>(SELECT, [
    new Date(atMs).toISOString(),
    most,
  ]);
  return rows.map(({ tenant_id: tenantId, cost, requests }) => ({ tenantId, costNanoUsd: cost, requests }));
}
