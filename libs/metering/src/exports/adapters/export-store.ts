import { EXPORT_KEPT_MS } from '@switchboard/contracts';
import type { Prisma, PrismaClient } from '@switchboard/platform';

export type TakenExport = Prisma.ExportGetPayload<object>;

/** An export of which nothing was heard for as long has lost its worker. */
const LEASE_MS = 60_000;
/** Said again before the lease is half over. */
const RENEWAL_MS = 20_000;
const CHUNK_BYTES_MAX = 1024 * 1024;

/** The export was deleted, or another has taken it over. */
export class ExportLostError extends Error {
  override readonly name = 'ExportLostError';

  constructor(id: string) {
    super(`the export ${id} is not this process’s to make any more`);
  }
}

/** The state of exports. Whoever makes one says so with each change, and changes nothing once it is no longer theirs. */
export class ExportStore {
  private saidAt = 0;

  constructor(
    private readonly prisma: PrismaClient,
    private readonly nowMs: () => number,
  ) {}

  /** The oldest that is queued, or whose worker is gone; empty. Undefined: there is none. */
  async take(): Promise<TakenExport | undefined> {
    const now = new Date(this.nowMs());
    return this.prisma.$transaction(async (tx) => {
      const [found] = await tx.$queryRaw<{ id: string }[]>`
        SELECT id FROM exports WHERE state = 'queued' OR (state = 'running' AND lease_until < ${now})
         ORDER BY created_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`;
      if (found === undefined) return undefined;
      await tx.exportChunk.deleteMany({ where: { exportId: found.id } });
      return tx.export.update({
        where: { id: found.id },
        data: { state: 'running', attempts: { increment: 1 }, rows: 0, bytes: 0, leaseUntil: this.leaseEnd() },
      });
    });
  }

  /** Says that it is being made, where that was not said lately. @throws ExportLostError */
  async keep(taken: TakenExport): Promise<void> {
    if (performance.now() - this.saidAt < RENEWAL_MS) return;
    await change(this.prisma, taken, { leaseUntil: this.leaseEnd() });
  }

  /**
   * Adds to the file, in pieces from `position` on. @returns the position after them. @throws ExportLostError
   */
  async append(taken: TakenExport, part: { position: number; data: Uint8Array; rows: number }): Promise<number> {
    const { position, data, rows } = part;
    const pieces: Prisma.ExportChunkCreateManyInput[] = [];
    for (let start = 0; start < data.length; start += CHUNK_BYTES_MAX) {
      const piece = Uint8Array.from(data.subarray(start, start + CHUNK_BYTES_MAX));
      pieces.push({ exportId: taken.id, position: position + pieces.length, data: piece });
    }
    await this.prisma.$transaction(async (tx) => {
      const grown = { rows: { increment: rows }, bytes: { increment: data.length }, leaseUntil: this.leaseEnd() };
      await change(tx, taken, grown);
      await tx.exportChunk.createMany({ data: pieces });
    });
    return position + pieces.length;
  }

  /** @throws ExportLostError */
  async finish(taken: TakenExport): Promise<void> {
    await change(this.prisma, taken, { state: 'done', ...this.ended() });
  }

  /** For good. @throws ExportLostError */
  async fail(taken: TakenExport, error: string): Promise<void> {
    await this.prisma.$transaction(async (tx) => {
      await change(tx, taken, { state: 'failed', error, rows: 0, bytes: 0, ...this.ended() });
      await tx.exportChunk.deleteMany({ where: { exportId: taken.id } });
    });
  }

  /** For anybody to take, `attempts` as they are to be counted. @throws ExportLostError */
  async giveBack(taken: TakenExport, attempts: number): Promise<void> {
    await change(this.prisma, taken, { state: 'queued', leaseUntil: null, attempts });
  }

  async removeExpired(): Promise<void> {
    await this.prisma.export.deleteMany({ where: { expiresAt: { lt: new Date(this.nowMs()) } } });
  }

  private leaseEnd(): Date {
    this.saidAt = performance.now();
    return new Date(this.nowMs() + LEASE_MS);
  }

  private ended() {
    const nowMs = this.nowMs();
    return { leaseUntil: null, finishedAt: new Date(nowMs), expiresAt: new Date(nowMs + EXPORT_KEPT_MS) };
  }
}

/** @throws ExportLostError */
async function change(
  tx: Prisma.TransactionClient,
  { id, attempts }: TakenExport,
  data: Prisma.ExportUpdateManyMutationInput,
): Promise<void> {
  const { count } = await tx.export.updateMany({ where: { id, attempts, state: 'running' }, data });
  if (count === 0) throw new ExportLostError(id);
}
