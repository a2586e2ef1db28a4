import {
  InvalidCursorError,
  type UsageFilter,
  type UsageGrouping,
  type UsagePage,
  type UsageQueries,
  type UsageTotal,
  type UsageTotals,
} from '@switchboard/contracts';
import { Prisma, type PrismaClient } from '@switchboard/platform';
import { eventOf } from './usage-row';

const GROUP_EXPRESSION: Record<UsageGrouping, Prisma.Sql> = {
  key: Prisma.sql`key_id`,
  model: Prisma.sql`model`,
  upstream: Prisma.sql`upstream`,
  hour: Prisma.sql`to_char(date_trunc('hour', started_at, 'UTC') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
  day: Prisma.sql`to_char(date_trunc('day', started_at, 'UTC') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
};

export class PostgresUsageQueries implements UsageQueries {
  constructor(private readonly prisma: PrismaClient) {}

  async list(filter: UsageFilter, page: { limit: number; cursor?: string }): Promise<UsagePage> {
    const rows = await this.prisma.usage.findMany({
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
    const byTime = groupBy === 'hour' || groupBy === 'day';
    const totals = await this.prisma.$queryRaw<UsageTotal[]>`
      SELECT ${GROUP_EXPRESSION[groupBy]} AS "group",
             count(*) AS "requests",
             sum(input_tokens)::bigint AS "inputTokens",
             sum(cache_read_tokens)::bigint AS "cacheReadTokens",
             sum(cache_write_5m_tokens)::bigint AS "cacheWrite5mTokens",
             sum(cache_write_1h_tokens)::bigint AS "cacheWrite1hTokens",
             sum(output_tokens)::bigint AS "outputTokens",
             sum(reasoning_tokens)::bigint AS "reasoningTokens",
             sum(cost_nano_usd)::bigint AS "costNanoUsd"
        FROM usage ${conditionOf(filter)}
       GROUP BY 1
       ORDER BY ${byTime ? Prisma.sql`1 DESC` : Prisma.sql`"costNanoUsd" DESC, "requests" DESC, 1`}
       LIMIT ${limit + 1}`;
    return { totals: totals.slice(0, limit), truncated: totals.length > limit };
  }
}

function whereOf({ tenantId, keyId, model, fromMs, toMs }: UsageFilter): Prisma.UsageWhereInput {
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

function conditionOf({ tenantId, keyId, model, fromMs, toMs }: UsageFilter): Prisma.Sql {
  const conditions = [Prisma.sql`TRUE`];
  if (tenantId !== undefined) conditions.push(Prisma.sql`tenant_id = ${tenantId}`);
  if (keyId !== undefined) conditions.push(Prisma.sql`key_id = ${keyId}`);
  if (model !== undefined) conditions.push(Prisma.sql`model = ${model}`);
  if (fromMs !== undefined) conditions.push(Prisma.sql`started_at >= ${new Date(fromMs)}`);
  if (toMs !== undefined) conditions.push(Prisma.sql`started_at < ${new Date(toMs)}`);
  return Prisma.sql`WHERE ${Prisma.join(conditions, ' AND ')}`;
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
