import { nanoUsd, type PrismaClient } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import { type CreditEntryView, creditEntryView } from '../core/credit-view';
import type { TopUpInput } from '../core/inputs/credit-input';
import { decodeCursor, type Page, pageOf, type PageRequest, type TenantScope } from '../core/page';
import type { Change } from './mutations';
import { lockedTenant } from './tenants';

/** What tenants paid in advance. An entry, once written, never changes. */
export class Credits {
  constructor(private readonly prisma: PrismaClient) {}

  /** @throws AdminError 404 */
  async topUp(change: Change, tenantId: string, { usd, note }: TopUpInput): Promise<CreditEntryView> {
    await lockedTenant(change.tx, tenantId);
    return addCredit(change, { tenantId, nanoUsd: nanoUsd(usd), kind: 'top_up', note });
  }

  /** The latest first. */
  async list(tenantId: string, page: PageRequest, scope?: TenantScope): Promise<Page<CreditEntryView>> {
    if (scope?.includes(tenantId) === false) return { data: [] };
    const before = page.cursor === undefined ? {} : { id: { lt: decodeCursor(page.cursor) } };
    const rows = await this.prisma.creditEntry.findMany({
      where: { tenantId, ...before },
      orderBy: { id: 'desc' },
      take: page.limit + 1,
    });
    return pageOf(rows, page.limit, { view: creditEntryView, cursor: ({ id }) => id });
  }

  /** All that a tenant ever paid in, in nano-USD. */
  async totalNanoUsd(tenantId: string): Promise<bigint> {
    const sum = await this.prisma.creditEntry.aggregate({ where: { tenantId }, _sum: { amountNanoUsd: true } });
    return sum._sum.amountNanoUsd ?? 0n;
  }
}

export async function addCredit(
  change: Change,
  credit: { tenantId: string; nanoUsd: number; kind: CreditEntryView['kind']; note: string },
): Promise<CreditEntryView> {
  const { tenantId, kind, note } = credit;
  const row = await change.tx.creditEntry.create({
    data: {
      ...{ id: `crd_${uuidv7()}`, tenantId, amountNanoUsd: BigInt(credit.nanoUsd), kind, note },
      ...{ actor: change.actor.name, createdAt: change.now },
    },
  });
  const after = creditEntryView(row);
  const action = kind === 'opening' ? 'credit.open' : 'credit.top_up';
  change.audit({ action, resourceType: 'credit', resourceId: row.id, tenantId, after });
  return after;
}
