import { ledgerAccount } from '@switchboard/contracts';
import { accuracyRankSql } from '../core/accuracy';
import { AMOUNTS, DIMENSIONS, SUMS } from './rollup-columns';

/** One rule of the ledger. Its statement answers a row for each breach: `id`, `expected` and `found`, all text. */
export interface LedgerRule {
  /** What does not hold, for people. */
  breach: string;
  sql: string;
}

const ROLLUP = DIMENSIONS.join(', ');

/** `requests=1 input_tokens=10 …`. */
const shown = (relation: string): string =>
  `concat_ws(' ', ${SUMS.map((name) => `'${name}=' || coalesce(${relation}.${name}, 0)`).join(', ')})`;

const TENANT = `'${ledgerAccount.tenant('')}'`;

/** Earlier hours have rollups of calls that retention has dropped. */
const WHOLE_FROM = `coalesce((SELECT max(whole_from) FROM usage_dropped_partitions), '-infinity')`;

/**
 * What the rows of usage say each entry must be: a correction takes its predecessor's cost out and puts its own in. What
 * dropped rows said is kept in sums.
 */
const EXPLAINED_BY_USAGE = `
  SELECT transaction_id, account_id, sum(amount) AS amount
    FROM (SELECT later.ledger_transaction_id AS transaction_id, side.account_id, side.amount
            FROM usage AS later
            LEFT JOIN usage AS earlier
              ON later.revision > 0 AND earlier.request_id = later.request_id AND earlier.revision = later.revision - 1
           CROSS JOIN LATERAL (VALUES (${TENANT} || later.tenant_id, -later.cost_nano_usd),
                                      ('${ledgerAccount.usage}', later.cost_nano_usd),
                                      (${TENANT} || earlier.tenant_id, earlier.cost_nano_usd),
                                      ('${ledgerAccount.usage}', -earlier.cost_nano_usd)) AS side (account_id, amount)
           WHERE side.account_id IS NOT NULL AND side.amount IS NOT NULL
           UNION ALL
          SELECT ledger_transaction_id, side.account_id, side.amount
            FROM usage_dropped
           CROSS JOIN LATERAL (VALUES (${TENANT} || tenant_id, -cost_nano_usd),
                                      ('${ledgerAccount.usage}', cost_nano_usd)) AS side (account_id, amount)) AS sides
   GROUP BY transaction_id, account_id HAVING sum(amount) <> 0`;

const COARSER = [
  ['usage_rollups_by_day', 'day, tenant_id, key_id, model, upstream'],
  ['usage_rollups_by_key_day', 'day, tenant_id, key_id'],
  ['usage_rollups_by_model_hour', 'hour, model, upstream'],
] as const;

/** Sums of sums: a trigger keeps them, and it is looked at whether it did. */
const COARSER_RULES = COARSER.map(([table, dimensions]): LedgerRule => {
  const places = dimensions.split(', ').map((_, index) => index + 1);
  return {
    breach: `${table} is not what its rollups add up to`,
    sql: `SELECT concat_ws(' ', ${dimensions}) AS id, ${shown('rollups')} AS expected, ${shown('coarser')} AS found
            FROM (SELECT ${dimensions.replace('day', `date_trunc('day', hour, 'UTC') AS day`)},
                         ${SUMS.map((name) => `sum(${name}) AS ${name}`).join(', ')}
                    FROM usage_rollups GROUP BY ${places.join(', ')}) AS rollups
            FULL JOIN ${table} AS coarser USING (${dimensions})
           WHERE ${shown('rollups')} <> ${shown('coarser')}`,
  };
});

export const LEDGER_RULES: readonly LedgerRule[] = [
  {
    breach: 'the entries of a transaction do not add up to 0',
    sql: `SELECT 'transaction ' || transaction_id AS id, '0' AS expected, sum(amount_nano_usd)::text AS found
            FROM ledger_entries GROUP BY transaction_id HAVING sum(amount_nano_usd) <> 0`,
  },
  {
    breach: 'an entry has no transaction or no account',
    sql: `SELECT concat('transaction ', transaction_id, ', account ', account_id) AS id,
                 'both' AS expected, concat_ws(' ', 'transaction=' || transaction.id, 'account=' || account.id) AS found
            FROM ledger_entries
            LEFT JOIN ledger_transactions AS transaction ON transaction.id = transaction_id
            LEFT JOIN ledger_accounts AS account ON account.id = account_id
           WHERE transaction.id IS NULL OR account.id IS NULL`,
  },
  {
    breach: 'an entry is not what its rows of usage cost',
    sql: `SELECT concat('transaction ', transaction_id, ', account ', account_id) AS id,
                 coalesce(explained.amount, 0)::text AS expected, coalesce(posted.amount, 0)::text AS found
            FROM (${EXPLAINED_BY_USAGE}) AS explained
            FULL JOIN (SELECT transaction_id, account_id, amount_nano_usd AS amount
                         FROM ledger_entries JOIN ledger_transactions ON id = transaction_id
                        WHERE kind IN ('usage', 'correction')) AS posted USING (transaction_id, account_id)
           WHERE coalesce(explained.amount, 0) <> coalesce(posted.amount, 0)`,
  },
  {
    breach: 'a row of usage does not name a transaction of its kind',
    sql: `SELECT concat('request ', request_id, ', revision ', revision) AS id,
                 CASE WHEN revision = 0 THEN 'usage' ELSE 'correction' END AS expected, coalesce(kind, 'none') AS found
            FROM usage LEFT JOIN ledger_transactions AS transaction ON transaction.id = ledger_transaction_id
           WHERE kind IS DISTINCT FROM CASE WHEN revision = 0 THEN 'usage' ELSE 'correction' END`,
  },
  {
    breach: 'a correction does not follow a less accurate revision',
    sql: `SELECT concat('request ', later.request_id, ', revision ', later.revision) AS id,
                 'less accurate than ' || later.accuracy AS expected, coalesce(earlier.accuracy, 'none') AS found
            FROM usage AS later
            LEFT JOIN usage AS earlier
              ON earlier.request_id = later.request_id AND earlier.revision = later.revision - 1
           WHERE later.revision > 0
             AND (${accuracyRankSql('earlier.accuracy')} < ${accuracyRankSql('later.accuracy')}) IS NOT TRUE`,
  },
  {
    breach: 'a rollup is not what its calls add up to',
    sql: `SELECT concat_ws(' ', ${ROLLUP}) AS id, ${shown('calls')} AS expected, ${shown('rollup')} AS found
            FROM (SELECT tenant_id, key_id, date_trunc('hour', started_at, 'UTC') AS hour, model, upstream, accuracy,
                         count(*) AS requests, ${AMOUNTS.map((name) => `sum(${name}) AS ${name}`).join(', ')}
                    FROM usage_current WHERE started_at >= ${WHOLE_FROM} GROUP BY 1, 2, 3, 4, 5, 6) AS calls
            FULL JOIN (SELECT * FROM usage_rollups WHERE hour >= ${WHOLE_FROM}) AS rollup USING (${ROLLUP})
           WHERE ${shown('calls')} <> ${shown('rollup')}`,
  },
  {
    // Of hours whose calls are dropped it is all that can be said, and what budgets and bills are made of.
    breach: 'a tenant’s rollups do not cost what its calls do',
    sql: `SELECT tenant_id AS id, coalesce(calls.cost, 0)::text AS expected, coalesce(rollups.cost, 0)::text AS found
            FROM (SELECT tenant_id, sum(cost_nano_usd) AS cost
                    FROM (SELECT tenant_id, cost_nano_usd FROM usage_current
                           UNION ALL SELECT tenant_id, cost_nano_usd FROM usage_dropped) AS each
                   GROUP BY tenant_id) AS calls
            FULL JOIN (SELECT tenant_id, sum(cost_nano_usd) AS cost FROM usage_rollups GROUP BY tenant_id) AS rollups
                   USING (tenant_id)
           WHERE coalesce(calls.cost, 0) <> coalesce(rollups.cost, 0)`,
  },
  {
    breach: 'a dropped partition is not summed up as it was counted',
    sql: `SELECT coalesce(name, partition) AS id, coalesce(counted.rows, 0)::text AS expected,
                 coalesce(summed.rows, 0)::text AS found
            FROM usage_dropped_partitions AS counted
            FULL JOIN (SELECT partition, sum(rows) AS rows FROM usage_dropped GROUP BY partition) AS summed
                   ON partition = name
           WHERE coalesce(counted.rows, 0) <> coalesce(summed.rows, 0)`,
  },
  ...COARSER_RULES,
  {
    breach: 'a credit is not posted as it was paid in',
    sql: `SELECT concat(reference, ', account ', account_id) AS id,
                 coalesce(paid.amount, 0)::text AS expected, coalesce(posted.amount, 0)::text AS found
            FROM (SELECT 'credit:' || id AS reference, side.account_id, side.amount
                    FROM credit_entries
                   CROSS JOIN LATERAL (VALUES (${TENANT} || tenant_id, amount_nano_usd),
                                              ('${ledgerAccount.credits}', -amount_nano_usd)) AS side (account_id, amount)
                 ) AS paid
            FULL JOIN (SELECT reference, account_id, amount_nano_usd AS amount
                         FROM ledger_entries JOIN ledger_transactions ON id = transaction_id
                        WHERE kind = 'credit') AS posted USING (reference, account_id)
           WHERE coalesce(paid.amount, 0) <> coalesce(posted.amount, 0)`,
  },
  {
    breach: 'a tenant’s balance is not its credits less what its calls cost',
    sql: `SELECT account_id AS id, coalesce(expected.balance, 0)::text AS expected, coalesce(found.balance, 0)::text AS found
            FROM (SELECT ${TENANT} || tenant_id AS account_id, sum(amount) AS balance
                    FROM (SELECT tenant_id, amount_nano_usd AS amount FROM credit_entries
                           UNION ALL SELECT tenant_id, -cost_nano_usd FROM usage_current
                           UNION ALL SELECT tenant_id, -cost_nano_usd FROM usage_dropped) AS movements
                   GROUP BY tenant_id) AS expected
            FULL JOIN (SELECT account_id, sum(amount_nano_usd) AS balance FROM ledger_entries
                        WHERE starts_with(account_id, ${TENANT}) GROUP BY account_id) AS found USING (account_id)
           WHERE coalesce(expected.balance, 0) <> coalesce(found.balance, 0)`,
  },
];

/** What was looked at: one row of counts. */
export const LEDGER_COUNTS = `
  SELECT (SELECT count(*) FROM ledger_transactions) AS transactions,
         (SELECT count(*) FROM ledger_entries) AS entries,
         (SELECT count(*) FROM usage) AS "usageRows",
         (SELECT count(*) FROM usage WHERE revision > 0) AS corrections,
         (SELECT coalesce(sum(rows), 0) FROM usage_dropped_partitions) AS "droppedRows",
         (SELECT count(*) FROM usage_rollups) AS rollups,
         (SELECT count(*) FROM credit_entries) AS credits,
         (SELECT count(*) FROM ledger_accounts WHERE kind = 'tenant') AS tenants`;
