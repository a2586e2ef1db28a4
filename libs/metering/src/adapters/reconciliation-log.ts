import { InvalidCursorError, type ReconciliationRecord, type Reconciliations } from '@switchboard/contracts';
import type { Pool, Prisma, PrismaClient } from '@switchboard/platform';

type Row = Prisma.ReconciliationGetPayload<object>;

/** The rows of `reconciliations`, for who reads them. */
export class ReconciliationLog implements Reconciliations {
  constructor(private readonly prisma: PrismaClient) {}

  async list({ limit, cursor }: { limit: number; cursor?: string }): ReturnType<Reconciliations['list']> {
    const rows = await this.prisma.reconciliation.findMany({
      where: cursor === undefined ? {} : { id: { lt: idOf(cursor) } },
      orderBy: { id: 'desc' },
      // One more than asked: whether there is a next page.
      take: limit + 1,
    });
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const records = shown.map(recordOf);
    return rows.length > limit && last !== undefined ? { records, nextCursor: cursorOf(last.id) } : { records };
  }
}

const INSERT = `
  INSERT INTO reconciliations (started_at, finished_at, balanced, difference_count, differences, counts, stream)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;

export async function keepReconciliation(pool: Pool, record: Omit<ReconciliationRecord, 'id'>): Promise<void> {
  const { startedAtMs, finishedAtMs, balanced, differenceCount, differences, counts, stream } = record;
  await pool.query(INSERT, [
    ...[startedAtMs, finishedAtMs].map((ms) => new Date(ms).toISOString()),
    ...[balanced, differenceCount, JSON.stringify(differences), JSON.stringify(counts)],
    stream === undefined ? null : JSON.stringify(stream),
  ]);
}

export type LastReconciliation = Pick<ReconciliationRecord, 'finishedAtMs' | 'balanced'>;

/** Undefined: there was none yet. */
export async function lastReconciliation(pool: Pool): Promise<LastReconciliation | undefined> {
  const { rows } = await pool.query<{ finished_at: Date; balanced: boolean }>(
    'SELECT finished_at, balanced FROM reconciliations ORDER BY id DESC LIMIT 1',
  );
  const [row] = rows;
  return row === undefined ? undefined : { finishedAtMs: row.finished_at.getTime(), balanced: row.balanced };
}

function recordOf({ id, startedAt, finishedAt, balanced, differenceCount, ...row }: Row): ReconciliationRecord {
  return {
    ...{ id: String(id), startedAtMs: startedAt.getTime(), finishedAtMs: finishedAt.getTime() },
    ...{ balanced, differenceCount },
    differences: row.differences as unknown as ReconciliationRecord['differences'],
    counts: row.counts as Record<string, number>,
    ...(row.stream !== null && { stream: row.stream as Record<string, number> }),
  };
}

function cursorOf(id: bigint): string {
  return Buffer.from(`v1:${id}`).toString('base64url');
}

/** The largest id a table can hold has 19 digits. */
function idOf(cursor: string): bigint {
  const digits = /^v1:(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (digits === undefined) throw new InvalidCursorError();
  return BigInt(digits);
}
