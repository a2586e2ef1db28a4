import type { CatalogSettingsV1 } from '@switchboard/contracts';
import type { Sealer } from '@switchboard/platform';
import type { StoredConfig } from '../core/config-plan';
import type { Transaction } from '../services/mutations';
import { countPriceVersions } from './price-rows';
import { secretsOf } from './provider-secrets';
import { keyOf, managedOf, modelOf, openProviderOf, tenantOf } from './rows';

/** All that a file could declare, as the tables hold it. */
export async function readStoredConfig(tx: Transaction, sealer: Pick<Sealer, 'open'>): Promise<StoredConfig> {
  const settings = await tx.gatewaySettings.findUnique({ where: { id: 1 } });
  const providers = await tx.providerAccount.findMany();
  const models = await tx.catalogModel.findMany();
  const priceVersions = await countPriceVersions(tx);
  const tenants = await tx.tenant.findMany();
  const keys = await tx.apiKey.findMany({ include: { secrets: true } });
  const openings = await tx.creditEntry.findMany({ where: { kind: 'opening' }, select: { tenantId: true } });
  const managedBy = (row: Parameters<typeof managedOf>[0]) => managedOf(row).managedBy;
  return {
    settings: settings === null ? undefined : (settings.settings as unknown as CatalogSettingsV1),
    providers: new Map(
      providers.map((row) => [
        row.id,
        { provider: openProviderOf(row), secrets: secretsOf(row, sealer), managedBy: managedBy(row) },
      ]),
    ),
    models: new Map(
      models.map((row) => [row.id, { model: modelOf(row), position: row.position, managedBy: managedBy(row) }]),
    ),
    priceVersions,
    tenants: new Map(tenants.map((row) => [row.id, { tenant: tenantOf(row), managedBy: managedBy(row) }])),
    keys: new Map(
      keys.map((row) => [
        row.id,
        {
          ...{ key: keyOf(row), revoked: row.revokedAt !== null },
          ...{ managedBy: managedBy(row), secrets: row.secrets },
        },
      ]),
    ),
    opened: new Set(openings.map(({ tenantId }) => tenantId)),
  };
}
