/** Parameter: the first day of the month. Answers one row: `outcome`, what `usage_add_month` says. */
export const ADD_MONTH = `SELECT usage_add_month($1::date) AS outcome`;

/** Parameter: the first day of the earliest month to keep. Answers `name`, the oldest first. */
export const EXPIRED = `
  SELECT name FROM usage_partitions WHERE to_id <= usage_first_id($1::date) ORDER BY to_id COLLATE "C"`;

/** Answers one row: `defaultRows`, and `oldestMs`, when the oldest call that is kept began, null where there is none. */
export const STATE = `
  SELECT (SELECT count(*) FROM usage_default)::float8 AS "defaultRows",
         (SELECT extract(epoch FROM min(started_at)) * 1000 FROM usage)::float8 AS "oldestMs"`;

/** From here on nothing is added to it; it can still be read. `partition`: quoted, as in all below. */
export const closeSql = (partition: string): string => `LOCK TABLE ${partition} IN SHARE MODE`;

/**
 * What its rows explained of each ledger transaction, by tenant: a correction takes its predecessor's cost out. All revisions
 * of a request are in one partition. Parameter: its name.
 */
export const explainedSql = (partition: string): string => `
  INSERT INTO usage_dropped (partition, ledger_transaction_id, tenant_id, rows, cost_nano_usd)
  SELECT $1, ledger_transaction_id, tenant_id, sum(rows), sum(cost)
    FROM (SELECT ledger_transaction_id, tenant_id, 1 AS rows, cost_nano_usd AS cost FROM ${partition}
           UNION ALL
          SELECT later.ledger_transaction_id, earlier.tenant_id, 0, -earlier.cost_nano_usd
            FROM ${partition} AS later
            JOIN ${partition} AS earlier
              ON earlier.request_id = later.request_id AND earlier.revision = later.revision - 1
           WHERE later.revision > 0) AS explained
   GROUP BY ledger_transaction_id, tenant_id`;

/** Parameter: its name. Answers one row: `rows`. */
export const recordSql = (partition: string): string => `
  INSERT INTO usage_dropped_partitions (name, from_id, to_id, rows, whole_from)
  SELECT name, from_id, to_id, calls.rows,
         date_bin('1 hour', calls.latest, TIMESTAMPTZ '1970-01-01 00:00:00+00') + interval '1 hour'
    FROM usage_partitions, (SELECT count(*) AS rows, max(started_at) AS latest FROM ${partition}) AS calls
   WHERE name = $1
  RETURNING rows`;

/** Takes the whole of `usage` for itself, for a moment. */
export const dropSql = (partition: string): string => `DROP TABLE ${partition}`;
