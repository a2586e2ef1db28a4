/** Every budget there is: of tenants and their keys, and what tenants paid in advance. Owned by admin-api, read here. */
const BUDGETS = `
  SELECT 'tenant:' || id AS scope, 'budget' AS budget, 'tenant' AS owner, id, id AS tenant_id, NULL::text AS key_id, name,
         (budget->>'nanoUsd')::bigint AS nano_usd, budget->>'period' AS period
    FROM tenants WHERE jsonb_typeof(budget) = 'object'
  UNION ALL
  SELECT 'key:' || id, 'budget', 'key', id, tenant_id, id, name, (budget->>'nanoUsd')::bigint, budget->>'period'
    FROM api_keys WHERE jsonb_typeof(budget) = 'object' AND revoked_at IS NULL
  UNION ALL
  SELECT 'tenant:' || tenant.id, 'credits', 'tenant', tenant.id, tenant.id, NULL, tenant.name, paid.nano_usd, 'total'
    FROM tenants AS tenant
    JOIN (SELECT tenant_id, sum(amount_nano_usd)::bigint AS nano_usd FROM credit_entries GROUP BY tenant_id) AS paid
      ON paid.tenant_id = tenant.id`;

/** $1 to $3: when day, week and month began, in milliseconds. */
const WITH_BUDGETS = `
  WITH budgets AS (
    SELECT *, to_timestamp(CASE period WHEN 'day' THEN $1::float8 WHEN 'week' THEN $2 WHEN 'month' THEN $3 ELSE 0 END / 1000)
              AS period_start
      FROM (${BUDGETS}) AS budgets)`;

/** Budgets nobody has looked at yet are looked at as soon as they are there. */
export const WATCH_NEW = `
  ${WITH_BUDGETS}
  INSERT INTO budget_watches (scope, budget, tenant_id, period, period_start, budget_nano_usd, checked_at)
  SELECT scope, budget, tenant_id, period, period_start, nano_usd, to_timestamp(0) FROM budgets
   WHERE NOT EXISTS (SELECT 1 FROM budget_watches AS w WHERE w.scope = budgets.scope AND w.budget = budgets.budget)
  ON CONFLICT DO NOTHING`;

/**
 * $4: when this run began; $5: what was last looked at before is due; $6: whose calls began in this hour or later is due;
 * $7: at most so many. What another replica has in hand is left to it.
 */
export const TAKE_DUE = `
  ${WITH_BUDGETS}
  SELECT w.scope, w.budget, w.period AS before_period, w.period_start AS before_start, w.reached,
         w.budget_nano_usd AS before_nano_usd, w.spent_nano_usd AS before_spent, budgets.owner, budgets.id,
         budgets.tenant_id, budgets.key_id, budgets.name, budgets.nano_usd, budgets.period, budgets.period_start
    FROM budget_watches AS w
    JOIN budgets ON budgets.scope = w.scope AND budgets.budget = w.budget
   WHERE w.checked_at < $4
     AND (w.checked_at < $5 OR w.period <> budgets.period OR w.period_start <> budgets.period_start
          OR w.budget_nano_usd <> budgets.nano_usd
          OR EXISTS (SELECT 1 FROM usage_rollups AS r
                      WHERE r.tenant_id = budgets.tenant_id AND r.hour >= $6
                        AND (budgets.key_id IS NULL OR r.key_id = budgets.key_id)))
   ORDER BY w.checked_at, w.scope, w.budget
   LIMIT $7
     FOR UPDATE OF w SKIP LOCKED`;

/**
 * What was spent in each of these spans, in their order; no end is no end. Periods begin and end with a whole hour, so that
 * the rollups alone are exact.
 */
export const SPENT = `
  SELECT CASE WHEN span.key_id IS NULL
           THEN (SELECT coalesce(sum(cost_nano_usd), 0) FROM usage_rollups
                  WHERE tenant_id = span.tenant_id AND hour >= span.start_at AND (span.end_at IS NULL OR hour < span.end_at))
           ELSE (SELECT coalesce(sum(cost_nano_usd), 0) FROM usage_rollups
                  WHERE tenant_id = span.tenant_id AND key_id = span.key_id
                    AND hour >= span.start_at AND (span.end_at IS NULL OR hour < span.end_at))
         END AS spent
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY
           AS span(tenant_id, key_id, start_at, end_at, place)
   ORDER BY span.place`;

export const NOTE = `
  UPDATE budget_watches AS w
     SET period = seen.period, period_start = seen.period_start, budget_nano_usd = seen.nano_usd,
         spent_nano_usd = seen.spent, reached = seen.reached::integer[], checked_at = $8
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::text[])
           AS seen(scope, budget, period, period_start, nano_usd, spent, reached)
   WHERE w.scope = seen.scope AND w.budget = seen.budget`;

/** After a whole run every budget has been looked at since: what has not is gone. */
export const FORGET = `DELETE FROM budget_watches WHERE checked_at < $1`;
