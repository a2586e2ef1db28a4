import type { Catalog, CatalogSource, KeyDirectory, KeyRecord } from '@switchboard/contracts';
import { buildCatalog, buildKeyRecords, type GatewayConfig } from '@switchboard/platform';

/** The catalog of one configuration, held in memory. */
export class InMemoryCatalog implements CatalogSource {
  private readonly catalog: Catalog;

  constructor(config: GatewayConfig) {
    this.catalog = buildCatalog(config);
  }

  current(): Catalog {
    return this.catalog;
  }
}

/** The keys of one configuration, by hash. */
export class InMemoryKeys implements KeyDirectory {
  private readonly byHash: ReadonlyMap<string, KeyRecord>;

  constructor(config: GatewayConfig) {
    this.byHash = new Map(buildKeyRecords(config).map((record) => [record.hash, record]));
  }

  find(hash: string): KeyRecord | undefined {
    return this.byHash.get(hash);
  }
}
