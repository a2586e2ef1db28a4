import type {
  AdministeredTenant,
  CatalogSettingsV1,
  Model,
  NanoUsd,
  PriceVersion,
  Provider,
} from '@switchboard/contracts';
import type { PepperedHash } from '@switchboard/platform';
import { canonicalJson } from './json';
import type { KeyDeclaration } from './key-view';
import type { ResourceType } from './refusals';
import type { ManagedBy } from './tenant-view';

/** One difference between the file and the tables. No secrets. */
export interface ConfigChange {
  resource: ResourceType;
  action: 'create' | 'update' | 'delete' | 'revoke' | 'deactivate' | 'open';
  id: string;
  /** Absent: it concerns all tenants. */
  tenantId?: string;
  before: object | null;
  after: object | null;
  /** Whether a credential, a header's value or the key itself differs; what it is is never shown. */
  secretChanged: boolean;
}

/** What is written for a change. */
export type ConfigWrite =
  | { kind: 'settings'; settings: CatalogSettingsV1 }
  | { kind: 'provider'; provider: Provider }
  | { kind: 'provider_deletion'; id: string }
  | { kind: 'model'; model: Model; position: number; newPrices: readonly PriceVersion[] }
  | { kind: 'model_deletion'; id: string }
  | { kind: 'tenant'; tenant: AdministeredTenant; managedBy: ManagedBy }
  | { kind: 'key'; key: KeyDeclaration; hash: PepperedHash; retire: readonly string[]; remove: readonly string[] }
  | { kind: 'key_revocation'; id: string }
  | { kind: 'opening'; tenantId: string; nanoUsd: NanoUsd };

export interface PlanStep {
  change: ConfigChange;
  write: ConfigWrite;
}

/** The step for something declared, or none where the tables say the same already. */
export function planned(declared: {
  resource: ResourceType;
  id: string;
  tenantId?: string;
  before: { fields: object; managedBy: ManagedBy } | undefined;
  after: object;
  secretChanged: boolean;
  write: ConfigWrite;
}): PlanStep[] {
  const { resource, id, tenantId, secretChanged, write } = declared;
  const before = declared.before && { ...declared.before.fields, managedBy: declared.before.managedBy };
  const after = { ...declared.after, managedBy: 'file' };
  if (!secretChanged && canonicalJson(before) === canonicalJson(after)) return [];
  const action = before === undefined ? 'create' : 'update';
  const scope = tenantId === undefined ? {} : { tenantId };
  return [{ change: { resource, action, id, ...scope, before: before ?? null, after, secretChanged }, write }];
}
