import { BUCKETS, bucketKey } from '@switchboard/contracts';
import { keyOf, type KeyRow, managedOf } from '../adapters/rows';
import { keyView, type KeyView } from '../core/key-view';
import type { Change } from './mutations';

/** Removes every key of a tenant that is going away itself. */
export async function removeKeys(change: Change, tenantId: string): Promise<void> {
  const rows = await change.tx.apiKey.findMany({ where: { tenantId }, include: { secrets: true } });
  for (const row of rows) {
    publishKey(change, row);
    const before = viewOfKey(row);
    change.audit({ action: 'key.remove', resourceType: 'key', resourceId: row.id, tenantId, before });
  }
  await change.tx.apiKey.deleteMany({ where: { tenantId } });
}

/** Every secret of a key has an entry of its own. */
export function publishKey(change: Change, { secrets }: Pick<KeyRow, 'secrets'>): void {
  for (const { hash } of secrets) change.publish(BUCKETS.keys, bucketKey.key(hash));
}

export function viewOfKey(row: KeyRow): KeyView {
  return keyView(keyOf(row), { ...managedOf(row), revokedAt: row.revokedAt, secrets: row.secrets });
}
