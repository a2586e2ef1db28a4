import type { AdministeredTenant, CatalogSettingsV1, Model, NanoUsd, Provider } from '@switchboard/contracts';
import type { DeclaredModel, PepperedHash } from '@switchboard/platform';
import { type ConfigChange, type PlanStep, planned } from './config-change';
import { canonicalJson } from './json';
import { type KeyDeclaration } from './key-view';
import { planKeys } from './key-plan';
import { pricedFields } from './model-view';
import { assignPositions } from './positions';
import { lateNotes, planPrices } from './price-plan';
import { type OpenProvider, providerFields, type ProviderSecrets } from './provider-view';
import { type ManagedBy, tenantFields } from './tenant-view';

/** What gateway.yaml says. */
export interface DeclaredConfig {
  settings: CatalogSettingsV1;
  providers: readonly Provider[];
  /** In listing order. */
  models: readonly DeclaredModel[];
  tenants: readonly AdministeredTenant[];
  keys: readonly DeclaredKey[];
  /** Prepaid amounts to open the books with. */
  openings: readonly { tenantId: string; nanoUsd: NanoUsd }[];
}

export interface DeclaredKey {
  key: KeyDeclaration;
  /** Under the current pepper. */
  hash: PepperedHash;
  /** Under the older ones. */
  olderHashes: readonly PepperedHash[];
}

/** What the tables say; each map by id. */
export interface StoredConfig {
  settings: CatalogSettingsV1 | undefined;
  providers: ReadonlyMap<string, StoredProvider>;
  models: ReadonlyMap<string, { model: Model; position: number; managedBy: ManagedBy }>;
  /** How many price versions there are of each model that ever was. */
  priceVersions: ReadonlyMap<string, number>;
  tenants: ReadonlyMap<string, { tenant: AdministeredTenant; managedBy: ManagedBy }>;
  keys: ReadonlyMap<string, StoredKey>;
  /** Tenants whose books were opened. */
  opened: ReadonlySet<string>;
}

export interface StoredProvider {
  provider: OpenProvider;
  /** Absent: sealed under a key that is gone. */
  secrets: ProviderSecrets | undefined;
  managedBy: ManagedBy;
}

export interface StoredKey {
  key: KeyDeclaration;
  revoked: boolean;
  managedBy: ManagedBy;
  secrets: readonly { hash: string; pepperId: string; expiresAt: Date | null }[];
}

export interface ConfigPlan {
  /** In the order to carry them out. */
  steps: PlanStep[];
  /** What an operator should know of, though nothing is done about it. */
  notes: string[];
}

/**
 * What it takes to bring the tables to what the file says. What the file declares is the file's from then on; what it no
 * longer declares goes, or (tenants, keys) ends; what was made through the API and is not declared stays as it is.
 */
export function planConfig(declared: DeclaredConfig, stored: StoredConfig, nowMs: number): ConfigPlan {
  const providers = planProviders(declared, stored);
  const models = planModels(declared, stored, nowMs);
  const keys = planKeys(declared.keys, stored.keys);
  const steps = [
    ...planTenants(declared, stored),
    ...providers.filter(isKept),
    ...models.steps,
    ...providers.filter((step) => !isKept(step)),
    ...keys.steps,
    ...planOpenings(declared, stored),
    ...planSettings(declared, stored),
  ];
  return { steps, notes: [...keys.notes, ...models.notes, ...danglingNotes(declared, stored)] };
}

export function changesOf(plan: ConfigPlan): ConfigChange[] {
  return plan.steps.map(({ change }) => change);
}

function isKept({ change }: PlanStep): boolean {
  return change.action !== 'delete';
}

function planProviders({ providers }: DeclaredConfig, stored: StoredConfig): PlanStep[] {
  const declaredIds = new Set(providers.map(({ id }) => id));
  const kept = providers.flatMap((provider) => {
    const { apiKey, headers, ...open } = provider;
    const secrets: ProviderSecrets = { ...(apiKey === undefined ? {} : { apiKey }), headers };
    const row = stored.providers.get(provider.id);
    return planned({
      ...{ resource: 'provider', id: provider.id, write: { kind: 'provider', provider } },
      before: row && { fields: providerFields(row.provider, row.secrets), managedBy: row.managedBy },
      after: providerFields(open, secrets),
      secretChanged: canonicalJson(row?.secrets) !== canonicalJson(secrets),
    });
  });
  const gone = [...stored.providers.values()].filter(
    ({ provider, managedBy }) => managedBy === 'file' && !declaredIds.has(provider.id),
  );
  const deletions = gone.map(({ provider, secrets }): PlanStep => {
    const { id } = provider;
    const before = providerFields(provider, secrets);
    return {
      change: { resource: 'provider', action: 'delete', id, before, after: null, secretChanged: false },
      write: { kind: 'provider_deletion', id },
    };
  });
  return [...kept, ...deletions];
}

function planModels({ models }: DeclaredConfig, stored: StoredConfig, nowMs: number): ConfigPlan {
  const present = new Map([...stored.models].map(([id, { position }]) => [id, position]));
  const ids = models.map(({ id }) => id);
  const positions = assignPositions(ids, present);
  const notes: string[] = [];
  const kept = models.flatMap((declared) => {
    const { id } = declared;
    const row = stored.models.get(id);
    const position = positions.get(id) ?? 0;
    const known = { pricing: row?.model.pricing, versions: stored.priceVersions.get(id) ?? 0 };
    const plan = planPrices(declared.pricing, known, nowMs);
    notes.push(...lateNotes(id, declared.pricing, known, plan, nowMs));
    const model = { ...declared, pricing: plan.pricing };
    return planned({
      ...{ resource: 'model', id, write: { kind: 'model', model, position, newPrices: plan.added } },
      before: row && {
        fields: { ...pricedFields(row.model, nowMs), position: row.position },
        managedBy: row.managedBy,
      },
      after: { ...pricedFields(model, nowMs), position },
      secretChanged: false,
    });
  });
  return { steps: [...kept, ...modelDeletions(new Set(ids), stored, nowMs)], notes };
}

function modelDeletions(declaredIds: ReadonlySet<string>, { models }: StoredConfig, nowMs: number): PlanStep[] {
  const gone = [...models.values()].filter(
    ({ model, managedBy }) => managedBy === 'file' && !declaredIds.has(model.id),
  );
  return gone.map(({ model, position }): PlanStep => {
    const before = { ...pricedFields(model, nowMs), position };
    return {
      change: { resource: 'model', action: 'delete', id: model.id, before, after: null, secretChanged: false },
      write: { kind: 'model_deletion', id: model.id },
    };
  });
}

function planTenants({ tenants }: DeclaredConfig, stored: StoredConfig): PlanStep[] {
  const kept = tenants.flatMap((tenant) => {
    const row = stored.tenants.get(tenant.id);
    return planned({
      ...{
        resource: 'tenant',
        id: tenant.id,
        tenantId: tenant.id,
        write: { kind: 'tenant', tenant, managedBy: 'file' },
      },
      before: row && { fields: tenantFields(row.tenant), managedBy: row.managedBy },
      after: tenantFields(tenant),
      secretChanged: false,
    });
  });
  const declaredIds = new Set(tenants.map(({ id }) => id));
  const gone = [...stored.tenants.values()].filter(
    ({ tenant, managedBy }) => managedBy === 'file' && !declaredIds.has(tenant.id),
  );
  const deactivations = gone.map(({ tenant }): PlanStep => {
    const { id } = tenant;
    const inactive = { ...tenant, active: false };
    // From here on it is the API's: whoever sets it active there is not undone by the next reading of the file.
    const before = { ...tenantFields(tenant), managedBy: 'file' };
    const after = { ...tenantFields(inactive), managedBy: 'api' };
    return {
      change: { resource: 'tenant', action: 'deactivate', id, tenantId: id, before, after, secretChanged: false },
      write: { kind: 'tenant', tenant: inactive, managedBy: 'api' },
    };
  });
  return [...kept, ...deactivations];
}

function planOpenings({ openings }: DeclaredConfig, { opened }: StoredConfig): PlanStep[] {
  return openings
    .filter(({ tenantId }) => !opened.has(tenantId))
    .map(({ tenantId, nanoUsd }) => ({
      change: {
        ...{ resource: 'credit', action: 'open', id: tenantId, tenantId, before: null },
        ...{ after: { tenant: tenantId, nanoUsd }, secretChanged: false },
      },
      write: { kind: 'opening', tenantId, nanoUsd },
    }));
}

function planSettings({ settings }: DeclaredConfig, stored: StoredConfig): PlanStep[] {
  const before = stored.settings;
  if (before !== undefined && canonicalJson(before) === canonicalJson(settings)) return [];
  return [
    {
      change: {
        ...{ resource: 'settings', action: before === undefined ? 'create' : 'update', id: 'settings' },
        ...{ before: before ?? null, after: settings, secretChanged: false },
      },
      write: { kind: 'settings', settings },
    },
  ];
}

/** Models made through the API may stand on a provider that the file has taken away. */
function danglingNotes(declared: DeclaredConfig, stored: StoredConfig): string[] {
  const isGone = (id: string): boolean => {
    const row = stored.providers.get(id);
    return !declared.providers.some((provider) => provider.id === id) && row?.managedBy !== 'api';
  };
  const declaredModels = new Set(declared.models.map(({ id }) => id));
  return [...stored.models.values()]
    .filter(({ model, managedBy }) => managedBy === 'api' && !declaredModels.has(model.id))
    .flatMap(({ model }) =>
      model.upstreams
        .filter(({ provider }) => isGone(provider))
        .map(({ provider }) => `model ${model.id} names provider ${provider}, which is not there`),
    );
}
