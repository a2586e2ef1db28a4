import {
  InvalidCursorError,
  type UsageFilter,
  type UsageGrouping,
  type UsagePage,
  type UsageQueries,
  type UsageTotal,
  type UsageTotals,
} from '@switchboard/contracts';
import type { Prisma, PrismaClient } from '@switchboard/platform';
import { eventOf } from './usage-row';
import { totalsSql } from './usage-totals-sql';

/** Of each request, what is known most accurately. A correction moves its request to the top of the list. */
export class PostgresUsageQueries implements UsageQueries {
  constructor(private readonly prisma: Pick<PrismaClient, 'usageCurrent' | '$queryRaw'>) {}

  async list(filter: UsageFilter, page: { limit: number; cursor?: string }): Promise<UsagePage> {
    const rows = await this.prisma.usageCurrent.findMany({
      where: { ...whereOf(filter), ...(page.cursor === undefined ? {} : { id: { lt: idOf(page.cursor) } }) },
      orderBy: { id: 'desc' },
      // One more than asked: whether there is a next page.
      take: page.limit + 1,
    });
    const shown = rows.slice(0, page.limit);
    const last = shown.at(-1);
    const records = shown.map(eventOf);
    return rows.length > page.limit && last !== undefined ? { records, nextCursor: cursorOf(last.id) } : { records };
  }

  async totals(filter: UsageFilter, groupBy: UsageGrouping, limit: number): Promise<UsageTotals> {
    const totals = await this.prisma.$queryRaw<UsageTotal[]>(totalsSql(filter, groupBy, limit));
    return { totals: totals.slice(0, limit), truncated: totals.length > limit };
  }
}

function whereOf({ tenantId, keyId, model, fromMs, toMs }: UsageFilter): Prisma.UsageCurrentWhereInput {
  return {
    tenantId,
    keyId,
    model,
    startedAt: {
      gte: fromMs === undefined ? undefined : new Date(fromMs),
      lt: toMs === undefined ? undefined : new Date(toMs),
    },
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
