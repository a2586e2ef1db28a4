import type { Transaction } from '../services/mutations';

/** Advisory locks of the admin tables; the numbers are only ours to keep apart. */
const CATALOG_LOCK = 1_396_834_305;
const PUBLICATION_LOCK = 1_396_834_306;

/**
 * Until the transaction ends, nobody else changes providers or models or reconciles: what is checked against the rest of
 * the catalog stays true.
 */
export async function lockCatalog(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${CATALOG_LOCK}::bigint)`;
}

/** Whether this transaction is now the one that publishes. */
export async function tryLockPublication(tx: Transaction): Promise<boolean> {
  const [row] = await tx.$queryRaw<
    { taken: boolean }[]
  >`SELECT pg_try_advisory_xact_lock(${PUBLICATION_LOCK}::bigint) AS taken`;
  return row?.taken === true;
}

/** Until the transaction ends, the tenant's row is as it is now. */
export async function lockTenant(tx: Transaction, id: string): Promise<void> {
  await tx.$executeRaw`SELECT 1 FROM tenants WHERE id = ${id} FOR UPDATE`;
}

export async function lockWebhook(tx: Transaction, id: string): Promise<void> {
  await tx.$executeRaw`SELECT 1 FROM webhooks WHERE id = ${id} FOR UPDATE`;
}

export async function lockKey(tx: Transaction, id: string): Promise<void> {
  await tx.$executeRaw`SELECT 1 FROM api_keys WHERE id = ${id} FOR UPDATE`;
}
