import type { PlanStep } from './config-change';
import { planned } from './config-change';
import type { DeclaredKey, StoredKey } from './config-plan';
import { keyFields } from './key-view';

/** @see planConfig */
export function planKeys(
  declared: readonly DeclaredKey[],
  stored: ReadonlyMap<string, StoredKey>,
): { steps: PlanStep[]; notes: string[] } {
  const barred = barredHashes(stored);
  const isBarred = ({ hash, olderHashes }: DeclaredKey): boolean =>
    [hash, ...olderHashes].some((candidate) => barred.has(candidate.hash));
  const notes = declared
    .filter(isBarred)
    .map(({ key }) => `key ${key.id} was revoked through the API and stays so: declare another key in its place`);
  const declaredIds = new Set(declared.map(({ key }) => key.id));
  const gone = [...stored.values()].filter(
    ({ key, managedBy, revoked }) => managedBy === 'file' && !revoked && !declaredIds.has(key.id),
  );
  // A key that goes by another name now keeps its secret: the old name gives it up first.
  const kept = declared.filter((key) => !isBarred(key)).flatMap((key) => planKey(key, stored.get(key.key.id)));
  return { steps: [...gone.map(revocation), ...kept], notes };
}

/** What was revoked by hand is not brought back by a file that still declares it. */
function barredHashes(stored: ReadonlyMap<string, StoredKey>): ReadonlySet<string> {
  const revoked = [...stored.values()].filter((row) => row.revoked && row.managedBy === 'api');
  return new Set(revoked.flatMap(({ secrets }) => secrets.map(({ hash }) => hash)));
}

function planKey({ key, hash, olderHashes }: DeclaredKey, row: StoredKey | undefined): PlanStep[] {
  const secrets = row?.secrets ?? [];
  const older = new Set(olderHashes.map((candidate) => candidate.hash));
  const isCurrent = secrets.some((secret) => secret.hash === hash.hash && secret.expiresAt === null);
  const retire = secrets.filter((secret) => older.has(secret.hash) && secret.expiresAt === null);
  const remove = secrets.filter((secret) => secret.hash !== hash.hash && !older.has(secret.hash));
  return planned({
    ...{ resource: 'key', id: key.id, tenantId: key.tenantId },
    before: row && { fields: { ...keyFields(row.key), revoked: row.revoked }, managedBy: row.managedBy },
    after: { ...keyFields(key), revoked: false },
    secretChanged: !isCurrent || retire.length > 0 || remove.length > 0,
    write: { kind: 'key', key, hash, retire: hashesOf(retire), remove: hashesOf(remove) },
  });
}

function hashesOf(secrets: readonly { hash: string }[]): string[] {
  return secrets.map(({ hash }) => hash);
}

function revocation({ key }: StoredKey): PlanStep {
  const fields = keyFields(key);
  return {
    change: {
      ...{ resource: 'key', action: 'revoke', id: key.id, tenantId: key.tenantId },
      ...{ before: { ...fields, revoked: false }, after: { ...fields, revoked: true }, secretChanged: false },
    },
    write: { kind: 'key_revocation', id: key.id },
  };
}
