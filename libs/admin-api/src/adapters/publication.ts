import { BUCKETS, type BucketDefinition, type Bus } from '@switchboard/contracts';
import type { PrismaClient } from '@switchboard/platform';
import { publicationSteps } from '../core/publication-order';
import type { Transaction } from '../services/mutations';
import { allEntries, currentEntries, type Entries, type EntryName } from './bucket-entries';
import { inParallel } from './in-parallel';
import { tryLockPublication } from './locks';

/** Round trips to the bus that are under way at once. */
const WIDTH = 32;
const BATCH_SIZE = 500;

const DEFINITIONS: readonly BucketDefinition[] = [BUCKETS.catalog, BUCKETS.keys];

export interface Published {
  bucket: string;
  action: 'put' | 'delete';
}

/** `busy`: another replica publishes just now. */
export type DrainResult = { outcome: 'busy' | 'empty' } | { outcome: 'published'; entries: number };

/**
 * Brings the buckets to what the tables say, one replica at a time: each holds a lock of the database for as long as it
 * reads the tables and writes the bucket, so that nobody overwrites what is newer.
 */
export class Publication {
  /** What a transaction that failed may have published all the same, perhaps after another replica did. */
  private readonly doubtful = new Map<string, EntryName>();

  constructor(
    private readonly prisma: PrismaClient,
    private readonly bus: Bus,
    private readonly onPublished: (published: Published) => void,
  ) {}

  /** Whether there is something to publish that the outbox does not name. */
  get hasDoubts(): boolean {
    return this.doubtful.size > 0;
  }

  /**
   * Publishes the oldest entries of the outbox.
   *
   * @throws BusUnavailableError or the database's error; what was not published stays in the outbox.
   */
  async drain(): Promise<DrainResult> {
    const touched: EntryName[] = [];
    try {
      const result = await this.locked(30_000, async (tx): Promise<DrainResult> => {
        const rows = await tx.outboxEntry.findMany({ orderBy: { id: 'asc' }, take: BATCH_SIZE });
        if (rows.length === 0 && this.doubtful.size === 0) return { outcome: 'empty' };
        const names = uniqueNames([...rows, ...this.doubtful.values()]);
        touched.push(...names);
        await this.publish(names, await currentEntries(tx, names));
        await tx.outboxEntry.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } });
        return { outcome: 'published', entries: names.length };
      });
      for (const name of touched) this.doubtful.delete(nameText(name));
      return result;
    } catch (error) {
      for (const name of touched) this.doubtful.set(nameText(name), name);
      throw error;
    }
  }

  /**
   * Compares the buckets with the tables: puts what differs, deletes what should not be there. Tables that were never reconciled say nothing, and nothing is done for them.
   */
  async rebuild(): Promise<'rebuilt' | 'busy' | 'unreconciled'> {
    const result = await this.locked(600_000, async (tx) => {
      if ((await tx.gatewaySettings.count()) === 0) return { outcome: 'unreconciled' } as const;
      const covered = await tx.outboxEntry.findMany({ select: { id: true } });
      const wanted = await allEntries(tx);
      await this.publish(await this.differing(wanted), wanted);
      await tx.outboxEntry.deleteMany({ where: { id: { in: covered.map(({ id }) => id) } } });
      return { outcome: 'rebuilt' } as const;
    });
    return result.outcome;
  }

  private locked<R>(timeout: number, work: (tx: Transaction) => Promise<R>): Promise<R | { outcome: 'busy' }> {
    return this.prisma.$transaction(
      async (tx) => ((await tryLockPublication(tx)) ? work(tx) : ({ outcome: 'busy' } as const)),
      { maxWait: 5_000, timeout },
    );
  }

  private async differing(wanted: Entries): Promise<EntryName[]> {
    const names: EntryName[] = [];
    for (const definition of DEFINITIONS) {
      const bucket = this.bus.bucket(definition);
      const present = new Set(await bucket.keys());
      const entries = wanted.get(definition.name) ?? new Map<string, Uint8Array>();
      for (const key of present) if (!entries.has(key)) names.push({ bucket: definition.name, key });
      await inParallel(entries, WIDTH, async ([key, value]) => {
        const held = present.has(key) ? (await bucket.get(key))?.value : undefined;
        if (held === undefined || Buffer.compare(held, value) !== 0) names.push({ bucket: definition.name, key });
      });
    }
    return names;
  }

  private async publish(names: readonly EntryName[], entries: Entries): Promise<void> {
    const valueOf = ({ bucket, key }: EntryName): Uint8Array | undefined => entries.get(bucket)?.get(key);
    for (const step of publicationSteps(names, (name) => valueOf(name) !== undefined)) {
      await inParallel(step, WIDTH, (name) => this.write(name, valueOf(name)));
    }
  }

  private async write({ bucket: name, key }: EntryName, value: Uint8Array | undefined): Promise<void> {
    const definition = DEFINITIONS.find((known) => known.name === name);
    if (definition === undefined) throw new Error(`the outbox names a bucket that is not ours: ${name}`);
    const bucket = this.bus.bucket(definition);
    if (value === undefined) await bucket.delete(key);
    else await bucket.put(key, value);
    this.onPublished({ bucket: name, action: value === undefined ? 'delete' : 'put' });
  }
}

function uniqueNames(names: readonly EntryName[]): EntryName[] {
  return [...new Map(names.map(({ bucket, key }) => [nameText({ bucket, key }), { bucket, key }])).values()];
}

function nameText({ bucket, key }: EntryName): string {
  return `${bucket} ${key}`;
}
