import type { KeyRecord, Limits, Permission } from '@switchboard/contracts';
import { type BudgetView, budgetView, type Managed, type ManagedBy, managedView } from './tenant-view';

/** A key without its secrets. */
export type KeyDeclaration = Omit<KeyRecord, 'hash' | 'tenant' | 'revoked'> & { tenantId: string };

export interface KeySecretView {
  /** The first characters; empty for keys of which only a hash was ever given. */
  hint: string;
  /** Which pepper its hash was made under. */
  pepperId: string;
  createdAt: string;
  /** The end of a rotation's overlap. */
  expiresAt: string | null;
}

/** Times in RFC 3339. */
export interface KeyView {
  id: string;
  tenant: string;
  name: string;
  kind: KeyRecord['kind'];
  permissions: Permission[];
  models: string[];
  origins: string[];
  ips: string[];
  expiresAt: string | null;
  limits: Limits;
  budget: BudgetView | null;
  logging: KeyRecord['logging'];
  revoked: boolean;
  revokedAt: string | null;
  /** Of the newest secret. */
  hint: string;
  /** The newest first. */
  secrets: KeySecretView[];
  managedBy: ManagedBy;
  createdAt: string;
  updatedAt: string;
}

/** With the plaintext, which is shown this once. */
export interface NewKeyView extends KeyView {
  key: string;
}

export interface KeySecretState {
  hint: string;
  pepperId: string;
  createdAt: Date;
  expiresAt: Date | null;
}

export function keyView(
  key: KeyDeclaration,
  state: Managed & { revokedAt: Date | null; secrets: readonly KeySecretState[] },
): KeyView {
  const secrets = [...state.secrets].sort((left, right) => right.createdAt.getTime() - left.createdAt.getTime());
  return {
    ...keyFields(key),
    revoked: state.revokedAt !== null,
    revokedAt: state.revokedAt?.toISOString() ?? null,
    hint: secrets[0]?.hint ?? '',
    secrets: secrets.map(({ hint, pepperId, createdAt, expiresAt }) => ({
      ...{ hint, pepperId, createdAt: createdAt.toISOString(), expiresAt: expiresAt?.toISOString() ?? null },
    })),
    ...managedView(state),
  };
}

/** What is declared of it. */
export function keyFields(key: KeyDeclaration) {
  const { id, tenantId, name, kind, permissions, models, origins, ips, expiresAtMs, limits, budget, logging } = key;
  return {
    ...{ id, tenant: tenantId, name, kind, permissions, models, origins, ips },
    expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
    ...{ limits, budget: budgetView(budget), logging },
  };
}
