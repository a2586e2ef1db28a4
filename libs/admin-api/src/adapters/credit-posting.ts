import { ledgerAccount } from '@switchboard/contracts';
import type { Prisma } from '@switchboard/platform';

interface PaidIn {
  /** Of the credit entry: each is posted once. */
  id: string;
  tenantId: string;
  amountNanoUsd: bigint;
}

/** Moves the ledger by what a tenant paid in, in the transaction that records it. */
export async function postCredit(tx: Prisma.TransactionClient, { id, tenantId, amountNanoUsd }: PaidIn): Promise<void> {
  const { id: transactionId } = await tx.ledgerTransaction.create({
    data: { kind: 'credit', reference: `credit:${id}` },
    select: { id: true },
  });
  if (amountNanoUsd === 0n) return;
  const accountId = ledgerAccount.tenant(tenantId);
  // Metering may open it at the same moment.
  await tx.ledgerAccount.createMany({ data: [{ id: accountId, kind: 'tenant', tenantId }], skipDuplicates: true });
  // One statement: the database takes a transaction's entries together, and no more of them.
  await tx.ledgerEntry.createMany({
    data: [
      { transactionId, accountId, amountNanoUsd },
      { transactionId, accountId: ledgerAccount.credits, amountNanoUsd: -amountNanoUsd },
    ],
  });
}
