import type { NanoUsd, Tenant } from '@switchboard/contracts';
import type { Transaction } from '../services/mutations';
import { tenantOf } from './rows';

/**
 * Tenants as the edges get them: with all that they ever paid in advance. `ids`: only these.
 *
 * @throws RangeError where that is more than a number holds exactly.
 */
export async function publishedTenants(tx: Transaction, ids?: readonly string[]): Promise<Tenant[]> {
  if (ids?.length === 0) return [];
  const rows = await tx.tenant.findMany(ids && { where: { id: { in: [...ids] } } });
  const credits = await creditsByTenant(tx, ids);
  return rows.map((row) => {
    const creditsNanoUsd = credits.get(row.id);
    const { callLogRetentionDays: _, ...tenant } = tenantOf(row);
    return { ...tenant, ...(creditsNanoUsd === undefined ? {} : { creditsNanoUsd }) };
  });
}

/** Without those that never paid in advance. */
async function creditsByTenant(
  tx: Transaction,
  ids: readonly string[] | undefined,
): Promise<ReadonlyMap<string, NanoUsd>> {
  const sums = await tx.creditEntry.groupBy({
    by: ['tenantId'],
    _sum: { amountNanoUsd: true },
    ...(ids && { where: { tenantId: { in: [...ids] } } }),
  });
  return new Map(sums.map(({ tenantId, _sum }) => [tenantId, exact(tenantId, _sum.amountNanoUsd ?? 0n)]));
}

function exact(tenantId: string, nanoUsd: bigint): NanoUsd {
  const value = Number(nanoUsd);
  if (!Number.isSafeInteger(value)) throw new RangeError(`the credits of tenant ${tenantId} are too large: ${nanoUsd}`);
  return value;
}
