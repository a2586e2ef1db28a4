import type { UsageFilter, UsageGrouping } from '@switchboard/contracts';
import { Prisma } from '@switchboard/platform';

const HOUR_MS = 3_600_000;

const TIME_FORMAT = Prisma.sql`'YYYY-MM-DD"T"HH24:MI:SS"Z"'`;

const GROUP_EXPRESSION: Readonly<Record<UsageGrouping, Prisma.Sql>> = {
  key: Prisma.sql`key_id`,
  model: Prisma.sql`model`,
  upstream: Prisma.sql`upstream`,
  hour: Prisma.sql`to_char(date_trunc('hour', at, 'UTC') AT TIME ZONE 'UTC', ${TIME_FORMAT})`,
  day: Prisma.sql`to_char(date_trunc('day', at, 'UTC') AT TIME ZONE 'UTC', ${TIME_FORMAT})`,
};

const SUMMED = Prisma.sql`key_id, model, upstream, input_tokens, cache_read_tokens, cache_write_5m_tokens,
  cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_nano_usd`;

/** From `fromMs` on, before `toMs`; where absent, without end. */
interface Span {
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

/**
 * A row per group, UsageTotal each: whole hours from the rollups, what begins or ends within an hour call by call. One
 * statement, so that all parts see the same commits. `limit` + 1 rows at most.
 */
export function totalsSql(filter: UsageFilter, groupBy: UsageGrouping, limit: number): Prisma.Sql {
  const byTime = groupBy === 'hour' || groupBy === 'day';
  const { hours, rest } = partsOf(filter);
  const parts = [...hours.map((span) => rollupsSql(filter, span)), ...rest.map((span) => callsSql(filter, span))];
  return Prisma.sql`
    SELECT ${GROUP_EXPRESSION[groupBy]} AS "group",
           sum(requests)::bigint AS "requests",
           sum(input_tokens)::bigint AS "inputTokens",
           sum(cache_read_tokens)::bigint AS "cacheReadTokens",
           sum(cache_write_5m_tokens)::bigint AS "cacheWrite5mTokens",
           sum(cache_write_1h_tokens)::bigint AS "cacheWrite1hTokens",
           sum(output_tokens)::bigint AS "outputTokens",
           sum(reasoning_tokens)::bigint AS "reasoningTokens",
           sum(cost_nano_usd)::bigint AS "costNanoUsd"
      FROM (${Prisma.join(parts, ' UNION ALL ')}) AS part
     GROUP BY 1
    -- A correction may leave a rollup with nothing.
    HAVING sum(requests) > 0
     ORDER BY ${byTime ? Prisma.sql`1 DESC` : Prisma.sql`"costNanoUsd" DESC, "requests" DESC, 1`}
     LIMIT ${limit + 1}`;
}

/** Disjoint, and together all that was asked for. */
function partsOf({ fromMs, toMs }: Span): { hours: Span[]; rest: Span[] } {
  const firstMs = fromMs === undefined ? undefined : Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
  const lastMs = toMs === undefined ? undefined : Math.floor(toMs / HOUR_MS) * HOUR_MS;
  if (firstMs !== undefined && lastMs !== undefined && firstMs > lastMs) return { hours: [], rest: [{ fromMs, toMs }] };
  const rest: Span[] = [];
  if (fromMs !== firstMs) rest.push({ fromMs, toMs: firstMs });
  if (toMs !== lastMs) rest.push({ fromMs: lastMs, toMs });
  return { hours: [{ fromMs: firstMs, toMs: lastMs }], rest };
}

function rollupsSql(filter: UsageFilter, span: Span): Prisma.Sql {
  return Prisma.sql`SELECT hour AS at, requests, ${SUMMED} FROM usage_rollups ${where(filter, span, Prisma.sql`hour`)}`;
}

function callsSql(filter: UsageFilter, span: Span): Prisma.Sql {
  return Prisma.sql`
    SELECT started_at AS at, 1 AS requests, ${SUMMED} FROM usage_current ${where(filter, span, Prisma.sql`started_at`)}`;
}

function where({ tenantId, keyId, model }: UsageFilter, { fromMs, toMs }: Span, time: Prisma.Sql): Prisma.Sql {
  const conditions = [Prisma.sql`TRUE`];
  if (tenantId !== undefined) conditions.push(Prisma.sql`tenant_id = ${tenantId}`);
  if (keyId !== undefined) conditions.push(Prisma.sql`key_id = ${keyId}`);
  if (model !== undefined) conditions.push(Prisma.sql`model = ${model}`);
  if (fromMs !== undefined) conditions.push(Prisma.sql`${time} >= ${new Date(fromMs)}`);
  if (toMs !== undefined) conditions.push(Prisma.sql`${time} < ${new Date(toMs)}`);
  return Prisma.sql`WHERE ${Prisma.join(conditions, ' AND ')}`;
}
