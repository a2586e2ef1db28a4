import type { UsageFilter, UsageGrouping } from '@switchboard/contracts';
import { Prisma } from '@switchboard/platform';
import { type Part, type Span, totalsPlan } from '../core/totals-plan';
import { AMOUNTS } from './rollup-columns';

const RFC_3339 = Prisma.sql`to_char("group" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
const EPOCH = Prisma.sql`TIMESTAMPTZ '1970-01-01 00:00:00+00'`;

/** Times are made into text once for each group, not for each row. */
const GROUPED_BY: Readonly<Record<UsageGrouping, Prisma.Sql>> = {
  tenant: Prisma.sql`tenant_id`,
  key: Prisma.sql`key_id`,
  model: Prisma.sql`model`,
  upstream: Prisma.sql`upstream`,
  hour: Prisma.sql`date_bin('1 hour', at, ${EPOCH})`,
  day: Prisma.sql`date_bin('1 day', at, ${EPOCH})`,
};

const PUT_IN = Prisma.raw(AMOUNTS.join(', '));
const TAKEN_OUT = Prisma.raw(AMOUNTS.map((name) => `-${name}`).join(', '));

const SOURCES: Readonly<Record<Part['source'], { table: Prisma.Sql; time: Prisma.Sql }>> = {
  calls: { table: Prisma.sql`(SELECT *, 1 AS requests FROM usage_current)`, time: Prisma.sql`started_at` },
  rollups: { table: Prisma.sql`usage_rollups`, time: Prisma.sql`hour` },
  by_day: { table: Prisma.sql`usage_rollups_by_day`, time: Prisma.sql`day` },
  by_key_day: { table: Prisma.sql`usage_rollups_by_key_day`, time: Prisma.sql`day` },
  by_model_hour: { table: Prisma.sql`usage_rollups_by_model_hour`, time: Prisma.sql`hour` },
};

/**
 * A row per group, UsageTotal each. One statement, so that all parts see the same commits. `limit` + 1 rows at most.
 */
export function totalsSql(filter: UsageFilter, groupBy: UsageGrouping, limit: number): Prisma.Sql {
  const byTime = groupBy === 'hour' || groupBy === 'day';
  // The first part names the columns of all: one that is taken out is never first.
  const parts = totalsPlan(filter, groupBy).map((part) => partSql(filter, part, groupBy));
  return Prisma.sql`
    SELECT ${byTime ? RFC_3339 : Prisma.sql`"group"`} AS "group", "requests", "inputTokens", "cacheReadTokens",
           "cacheWrite5mTokens", "cacheWrite1hTokens", "outputTokens", "reasoningTokens", "costNanoUsd"
      FROM (SELECT "group",
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
            -- A correction may leave a rollup with nothing, and so may what is taken out of a day.
            HAVING sum(requests) > 0) AS totals
     ORDER BY ${byTime ? Prisma.sql`totals."group" DESC` : Prisma.sql`"costNanoUsd" DESC, "requests" DESC, 1`}
     LIMIT ${limit + 1}`;
}

function partSql(filter: UsageFilter, part: Part, groupBy: UsageGrouping): Prisma.Sql {
  const { table, time } = SOURCES[part.source];
  const sums = part.taken === true ? Prisma.sql`-requests AS requests, ${TAKEN_OUT}` : Prisma.sql`requests, ${PUT_IN}`;
  return Prisma.sql`
    SELECT ${GROUPED_BY[groupBy]} AS "group", ${sums}
      FROM (SELECT *, ${time} AS at FROM ${table} AS source ${where(filter, part, time)}) AS "row"`;
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
