import { AMOUNTS, DIMENSIONS, SUMS } from '../../adapters/rollup-columns';
import { HOUR } from '../../adapters/usage-insert-sql';

const dimensions = DIMENSIONS.join(', ');
const sums = SUMS.join(', ');
const grouped = DIMENSIONS.map((name) => (name === 'hour' ? HOUR : name)).join(', ');
const places = DIMENSIONS.map((_, index) => index + 1).join(', ');
const counted = ['count(*)::bigint AS requests', ...AMOUNTS.map((name) => `sum(${name})::bigint AS ${name}`)].join(
  ', ',
);
const valuesOf = (relation: string): string => SUMS.map((name) => `coalesce(${relation}.${name}, 0)`).join(', ');
const objectOf = (relation: string, names: readonly string[]): string =>
  `jsonb_build_object(${names.map((name) => `'${name}', ${relation}.${name}`).join(', ')})`;

/** The rollups of the hours from $1 on and before $2 that are not what their calls add up to; a row of zeros is as none. */
const DIFFERING = `
  SELECT ${dimensions}, calls.requests IS NULL AS superfluous, ${SUMS.map((name) => `calls.${name}`).join(', ')},
         CASE WHEN rollup.requests IS NOT NULL THEN ${objectOf('rollup', SUMS)} END AS before,
         CASE WHEN calls.requests IS NOT NULL THEN ${objectOf('calls', SUMS)} END AS after
    FROM (SELECT ${grouped}, ${counted} FROM usage_current
           WHERE started_at >= $1 AND started_at < $2 GROUP BY ${places}) AS calls
    FULL JOIN (SELECT * FROM usage_rollups WHERE hour >= $1 AND hour < $2) AS rollup USING (${dimensions})
   WHERE (${valuesOf('calls')}) <> (${valuesOf('rollup')})`;

/**
 * Whether any differs. Right however much is stored meanwhile, and without a lock: one statement has one snapshot, and in
 * each there is all that a transaction of ingest wrote, rows and rollups, or nothing of it.
 */
export const ANY_DIFFERS = `SELECT EXISTS (${DIFFERING}) AS differs`;

/**
 * For the rest of the transaction nobody moves a rollup, and whoever had begun to has ended: a statement of ingest takes
 * its locks, this one among them, before it stores its first row. Readers are not held up.
 */
export const LOCK_ROLLUPS = 'LOCK TABLE usage_rollups IN SHARE ROW EXCLUSIVE MODE';

/** Makes the rollups what their calls add up to, under LOCK_ROLLUPS. Answers a row for each that was not: see `Repair`. */
export const REPAIR = `
  WITH differing AS MATERIALIZED (${DIFFERING}),
    removed AS (
      DELETE FROM usage_rollups AS rollup USING differing
       WHERE superfluous AND ${DIMENSIONS.map((name) => `rollup.${name} = differing.${name}`).join(' AND ')}),
    stored AS (
      INSERT INTO usage_rollups (${dimensions}, ${sums})
      SELECT ${dimensions}, ${sums} FROM differing WHERE NOT superfluous
      ON CONFLICT (${dimensions}) DO UPDATE SET ${SUMS.map((name) => `${name} = excluded.${name}`).join(', ')})
  SELECT ${objectOf('differing', DIMENSIONS)} AS rollup, before, after FROM differing`;
