import {
  InvalidCursorError,
  type RefusedUsage,
  type RefusedUsageRecord,
  type RefusedUsageState,
} from '@switchboard/contracts';
import type { Prisma, PrismaClient } from '@switchboard/platform';
import { refusedBytes } from './refused-usage';

/** Takes a payload of the usage stream in; `dedupeId` tells a second attempt from another replay. */
export type TakeIn = (payload: Uint8Array, dedupeId: string) => Promise<void>;

type Row = Prisma.RefusedUsageGetPayload<object>;

/** The rows of `usage_refused`, and the way back from there. */
export class DeadLetters implements RefusedUsage {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly takeIn: TakeIn,
  ) {}

  async list(
    { state }: { state?: RefusedUsageState },
    { limit, cursor }: { limit: number; cursor?: string },
  ): Promise<{ records: RefusedUsageRecord[]; nextCursor?: string }> {
    const rows = await this.prisma.refusedUsage.findMany({
      where: { AND: [state === undefined ? {} : STATES[state], cursor === undefined ? {} : after(cursor)] },
      orderBy: [{ receivedAt: 'desc' }, { id: 'desc' }],
      // One more than asked: whether there is a next page.
      take: limit + 1,
    });
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const records = shown.map(recordOf);
    return rows.length > limit && last !== undefined ? { records, nextCursor: cursorOf(last) } : { records };
  }

  async find(id: string): Promise<RefusedUsageRecord | undefined> {
    const row = await this.prisma.refusedUsage.findUnique({ where: { id } });
    return row === null ? undefined : recordOf(row);
  }

  /** Marked first: it may be refused anew before this returns, which takes the mark away. */
  async replay(id: string): Promise<RefusedUsageRecord | undefined> {
    const row = await this.update(id, { replayedAt: new Date(), dismissedAt: null });
    if (row === undefined) return undefined;
    try {
      await this.takeIn(messageOf(row.payload), `replay:${id}:${row.refusals}`);
    } catch (error) {
      await this.update(id, { replayedAt: null });
      throw error;
    }
    return recordOf(row);
  }

  async dismiss(id: string): Promise<RefusedUsageRecord | undefined> {
    const row = await this.update(id, { dismissedAt: new Date() });
    return row === undefined ? undefined : recordOf(row);
  }

  private async update(id: string, data: Prisma.RefusedUsageUpdateInput): Promise<Row | undefined> {
    const [row] = await this.prisma.refusedUsage.updateManyAndReturn({ where: { id }, data });
    return row;
  }
}

const STATES: Readonly<Record<RefusedUsageState, Prisma.RefusedUsageWhereInput>> = {
  waiting: { replayedAt: null, dismissedAt: null },
  replayed: { replayedAt: { not: null }, dismissedAt: null },
  dismissed: { dismissedAt: { not: null } },
};

/** A record becomes a message of its own; what is no JSON is sent as it came. */
function messageOf(payload: string): Buffer {
  const bytes = refusedBytes(payload);
  try {
    JSON.parse(bytes.toString('utf8'));
  } catch {
    return bytes;
  }
  return Buffer.concat([Buffer.from('{"events":['), bytes, Buffer.from(']}')]);
}

function recordOf({ replayedAt, dismissedAt, receivedAt, ...row }: Row): RefusedUsageRecord {
  return {
    ...row,
    receivedAtMs: receivedAt.getTime(),
    ...(replayedAt !== null && { replayedAtMs: replayedAt.getTime() }),
    ...(dismissedAt !== null && { dismissedAtMs: dismissedAt.getTime() }),
  };
}

function cursorOf({ receivedAt, id }: Row): string {
  return Buffer.from(`v1:${receivedAt.getTime()}:${id}`).toString('base64url');
}

function after(cursor: string): Prisma.RefusedUsageWhereInput {
  const [, ms, id] = /^v1:(\d{1,15}):([0-9a-f]{64})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  if (ms === undefined || id === undefined) throw new InvalidCursorError();
  const receivedAt = new Date(Number(ms));
  return { OR: [{ receivedAt: { lt: receivedAt } }, { receivedAt, id: { lt: id } }] };
}
