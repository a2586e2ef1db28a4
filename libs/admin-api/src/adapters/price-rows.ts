import type { Prices, PriceVersion } from '@switchboard/contracts';
import type { Prisma } from '@switchboard/platform';
import type { Change, Transaction } from '../services/mutations';
import { json } from './rows';

export type NewPrice = Prisma.ModelPriceCreateManyInput;
export type PriceRow = Prisma.ModelPriceGetPayload<object>;

export function priceRows(change: Change, modelId: string, versions: readonly PriceVersion[]): NewPrice[] {
  return versions.map(({ version, effectiveFromMs, prices }) => ({
    ...{ modelId, version, effectiveFrom: new Date(effectiveFromMs), prices: json(prices) },
    ...{ createdAt: change.now, actor: change.actor.name },
  }));
}

export function priceVersionOf({ version, effectiveFrom, prices }: PriceRow): PriceVersion {
  return { version, effectiveFromMs: effectiveFrom.getTime(), prices: prices as unknown as Prices };
}

/** Of each model that ever was. Whoever numbers the next one holds the catalog's lock. */
export async function countPriceVersions(tx: Transaction): Promise<ReadonlyMap<string, number>> {
  const groups = await tx.modelPrice.groupBy({ by: ['modelId'], _count: { _all: true } });
  return new Map(groups.map(({ modelId, _count }) => [modelId, _count._all]));
}
