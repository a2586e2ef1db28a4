import {
  type BucketEntry,
  type Catalog,
  type CatalogSettingsV1,
  decodeJson,
  DEFAULT_ROUTING,
  type ModelRecordV1,
  parseBucketKey,
  type Provider,
  type ProviderRecordV1,
  SETTINGS_KEY,
} from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import type { Sealer } from '../secrets/sealer';
import { compareModelRecords, decodeModel, decodeProvider } from './catalog-records';

type Content =
  | { kind: 'settings'; settings: CatalogSettingsV1 }
  | { kind: 'provider'; provider: Provider }
  | { kind: 'model'; record: ModelRecordV1 }
  /** Of a kind of a later release, or unreadable. */
  | { kind: 'none' };

interface Held {
  value: Uint8Array;
  content: Content;
  /** When it was last told, on the clock of {@link CatalogEntries.now}. */
  toldAt: number;
}

/** What a replica was told of the catalog bucket, entry by entry. */
export class CatalogEntries {
  private readonly held = new Map<string, Held>();
  private told = 0;

  constructor(private readonly options: { sealer?: Pick<Sealer, 'open'>; log: Logger }) {}

  /** A clock that ticks at every entry told. */
  get now(): number {
    return this.told;
  }

  get settings(): CatalogSettingsV1 | undefined {
    const content = this.held.get(SETTINGS_KEY)?.content;
    return content?.kind === 'settings' ? content.settings : undefined;
  }

  /** @returns whether it changes anything: after a reconnection the same entries may be told again. */
  tell({ key, value }: BucketEntry): boolean {
    this.told++;
    const before = this.held.get(key);
    if (value === undefined) return this.held.delete(key);
    if (before !== undefined && Buffer.compare(before.value, value) === 0) {
      before.toldAt = this.told;
      return false;
    }
    this.held.set(key, { value, content: this.read(key, value), toldAt: this.told });
    return true;
  }

  /** Drops what is not among `present`, unless it was told later than `asOf`. @returns whether anything was dropped. */
  keepOnly(present: ReadonlySet<string>, asOf: number): boolean {
    let dropped = false;
    for (const [key, { toldAt }] of this.held) {
      if (present.has(key) || toldAt > asOf) continue;
      this.held.delete(key);
      dropped = true;
    }
    return dropped;
  }

  catalog(settings: CatalogSettingsV1): Catalog {
    const contents = [...this.held.values()].map(({ content }) => content);
    const providers = contents.flatMap((content) => (content.kind === 'provider' ? [content.provider] : []));
    const records = contents.flatMap((content) => (content.kind === 'model' ? [content.record] : []));
    // Independent of the order in which entries were told.
    providers.sort((left, right) => (left.id < right.id ? -1 : 1));
    records.sort(compareModelRecords);
    return {
      providers: new Map(providers.map((provider) => [provider.id, provider])),
      models: new Map(records.map((record) => [record.id, decodeModel(record)])),
      auto: settings.auto,
      routing: settings.routing ?? DEFAULT_ROUTING,
    };
  }

  private read(key: string, value: Uint8Array): Content {
    try {
      return readContent(key, value, this.options.sealer);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const id = parseBucketKey(key)?.id ?? key;
      this.options.log.error({ entry: key, id, reason }, `the catalog entry of ${id} cannot be read and is left out`);
      return { kind: 'none' };
    }
  }
}

function readContent(key: string, value: Uint8Array, sealer?: Pick<Sealer, 'open'>): Content {
  if (key === SETTINGS_KEY) {
    const settings = decodeJson<CatalogSettingsV1 | null>(value);
    if (settings?.auto === undefined || settings.brand === undefined) throw new Error('it holds no settings');
    return { kind: 'settings', settings };
  }
  const { kind, id } = parseBucketKey(key) ?? {};
  if (kind !== 'provider' && kind !== 'model') return { kind: 'none' };
  const record = decodeJson<{ id?: unknown } | null>(value);
  if (record?.id !== id) throw new Error('it is the record of something else');
  if (kind === 'provider') return { kind, provider: decodeProvider(record as ProviderRecordV1, sealer) };
  if (!Array.isArray((record as Partial<ModelRecordV1>).pricing)) throw new Error('it has no price versions');
  return { kind, record: record as ModelRecordV1 };
}
