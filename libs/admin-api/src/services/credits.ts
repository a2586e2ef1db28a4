import { BUCKETS, bucketKey } from '@switchboard/contracts';
import { nanoUsd, type PrismaClient } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import { postCredit } from '../adapters/credit-posting';
import { AdminError } from '../core/admin-error';
import { type CreditEntryView, creditEntryView } from '../core/credit-view';
import type { TopUpInput } from '../core/inputs/credit-input';
import { decodeCursor, type Page, pageOf, type PageRequest, type TenantScope } from '../core/page';
import type { Change, Transaction } from './mutations';
import { lockedTenant } from './tenants';

/** Beyond, the edges' numbers would no longer hold it exactly, and nothing could be published. */
const CREDITS_MAX_USD = 9_000_000;

/** What tenants paid in advance. An entry, once written, never changes. */
export class Credits {
  constructor(private readonly prisma: PrismaClient) {}

  /** @throws AdminError 404; 409 when it would be too much. */
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

  /** All that a tenant ever paid in, or had before `beforeMs` (since the epoch), in nano-USD. */
  async totalNanoUsd(tenantId: string, beforeMs?: number): Promise<bigint> {
    return totalNanoUsd(this.prisma, tenantId, beforeMs);
  }
}

async function totalNanoUsd(tx: Transaction, tenantId: string, beforeMs?: number): Promise<bigint> {
  const createdAt = beforeMs === undefined ? undefined : { lt: new Date(beforeMs) };
  const { _sum } = await tx.creditEntry.aggregate({ where: { tenantId, createdAt }, _sum: { amountNanoUsd: true } });
  return _sum.amountNanoUsd ?? 0n;
}

/** @throws AdminError 409 */
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
  await postCredit(change.tx, row);
  if ((await totalNanoUsd(change.tx, tenantId)) > BigInt(nanoUsd(CREDITS_MAX_USD))) {
    const most = CREDITS_MAX_USD.toLocaleString('en-US');
    throw new AdminError(409, 'credits_too_large', `Tenant ${tenantId} would have paid in more than ${most} USD.`);
  }
  const after = creditEntryView(row);
  const action = kind === 'opening' ? 'credit.open' : 'credit.top_up';
  change.audit({ action, resourceType: 'credit', resourceId: row.id, tenantId, after });
  change.publish(BUCKETS.keys, bucketKey.tenant(tenantId));
  return after;
}
