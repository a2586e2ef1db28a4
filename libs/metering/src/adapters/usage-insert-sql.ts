import { ledgerAccount } from '@switchboard/contracts';
import { accuracyRankSql } from '../core/accuracy';
import { USAGE_COLUMNS } from '../core/row';
import { AMOUNTS, DIMENSIONS, SUMS } from './rollup-columns';

/** `date_bin` takes half the time of `date_trunc` with a zone. Hours are UTC. */
export const HOUR = `date_bin('1 hour', started_at, TIMESTAMPTZ '1970-01-01 00:00:00+00') AS hour`;

/** Of a row of usage, all that ledger and rollups need to know. */
const RETURNED = ['tenant_id', 'key_id', 'started_at', 'model', 'upstream', 'accuracy', ...AMOUNTS].join(', ');

const names = USAGE_COLUMNS.map(({ name }) => name).join(', ');
const arrays = USAGE_COLUMNS.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');

/** `posting`: the id of the ledger transaction, which the rows of usage name. */
const POSTING = `posting AS MATERIALIZED (SELECT nextval('ledger_transactions_id_seq') AS id)`;

/** `moved`: for each rollup, what is added to it. `changes`: rows with a `sign`, −1 for what is taken out again. */
function movedBy(changes: string): string {
  return `
    moved AS MATERIALIZED (
      SELECT ${DIMENSIONS.map((name) => (name === 'hour' ? HOUR : name)).join(', ')}, sum(sign)::bigint AS requests,
             ${AMOUNTS.map((name) => `sum(sign * ${name})::bigint AS ${name}`).join(', ')}
        FROM (${changes}) AS changes GROUP BY 1, 2, 3, 4, 5, 6)`;
}

/**
 * What follows `posting` and `moved`: one ledger transaction with an entry per tenant and the counter entry, and the
 * rollups. Where nothing was moved there is no transaction. All writers sort alike, so that none waits for another in a
 * circle.
 */
function postedAs(kind: 'usage' | 'correction'): string {
  const dimensions = DIMENSIONS.join(', ');
  return `
    posted AS (
      INSERT INTO ledger_transactions (id, kind, reference)
      SELECT id, '${kind}', '${kind}:' || id FROM posting WHERE EXISTS (SELECT FROM moved)),
    costs AS MATERIALIZED (
      SELECT tenant_id, sum(cost_nano_usd) AS cost FROM moved GROUP BY tenant_id HAVING sum(cost_nano_usd) <> 0),
    opened AS (
      INSERT INTO ledger_accounts (id, kind, tenant_id)
      SELECT '${ledgerAccount.tenant('')}' || tenant_id, 'tenant', tenant_id FROM costs ORDER BY tenant_id
      ON CONFLICT DO NOTHING),
    entries AS (
      INSERT INTO ledger_entries (transaction_id, account_id, amount_nano_usd)
      SELECT id, '${ledgerAccount.tenant('')}' || tenant_id, -cost FROM posting, costs
       UNION ALL
      SELECT id, '${ledgerAccount.usage}', sum(cost) FROM posting, costs GROUP BY id HAVING sum(cost) <> 0),
    rolled AS (
      INSERT INTO usage_rollups AS rollup (${dimensions}, ${SUMS.join(', ')})
      SELECT ${dimensions}, ${SUMS.join(', ')} FROM moved ORDER BY ${dimensions}
      ON CONFLICT (${dimensions}) DO UPDATE
        SET ${SUMS.map((name) => `${name} = rollup.${name} + excluded.${name}`).join(', ')})`;
}

/**
 * Stores the records whose requests are not known yet, in their order, and moves ledger and rollups by what was really
 * stored. One statement for a batch: a row at a time or `createMany` reach 3–4k rows/s.
 *
 * Parameters: an array per column of USAGE_COLUMNS, no request twice. Answers one row: `count`, how many were stored.
 */
export const INSERT = `
  WITH ${POSTING},
    inserted AS (
      INSERT INTO usage (${names}, ledger_transaction_id)
      SELECT ${names}, posting.id
        FROM posting, unnest(${arrays}) WITH ORDINALITY AS batch(${names}, position) ORDER BY position
      ON CONFLICT (request_id, revision) DO NOTHING
      RETURNING ${RETURNED}),
    ${movedBy(`SELECT 1 AS sign, ${RETURNED} FROM inserted`)},
    ${postedAs('usage')}
  SELECT coalesce(sum(requests), 0)::int AS count FROM moved`;

/**
 * Finds those of a batch that may know more than what is stored, and locks their requests until the transaction ends:
 * two writers correct one request one after the other.
 *
 * Parameters: request ids, accuracies. Answers the places in them, from 1: `position`.
 */
export const LOCK_CORRECTABLE = `
  SELECT batch.position::int
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS batch(request_id, accuracy, position)
    JOIN usage ON usage.request_id = batch.request_id AND usage.revision = 0
   WHERE ${accuracyRankSql('usage.accuracy')} < ${accuracyRankSql('batch.accuracy')}
   ORDER BY usage.request_id FOR UPDATE OF usage`;

/**
 * Adds a revision to requests of which the batch knows more than their highest one, and moves ledger and rollups by the
 * difference. To be sent after LOCK_CORRECTABLE has answered: then it sees what other writers have committed.
 *
 * Parameters and answer as of INSERT.
 */
export const CORRECT = `
  WITH ${POSTING},
    batch AS MATERIALIZED (SELECT ${names} FROM unnest(${arrays}) AS batch(${names})),
    superseded AS MATERIALIZED (
      SELECT known.*
        FROM batch CROSS JOIN LATERAL (
          SELECT * FROM usage WHERE usage.request_id = batch.request_id ORDER BY revision DESC LIMIT 1) AS known
       WHERE ${accuracyRankSql('known.accuracy')} < ${accuracyRankSql('batch.accuracy')}),
    inserted AS (
      INSERT INTO usage (${names}, revision, ledger_transaction_id)
      SELECT ${USAGE_COLUMNS.map(({ name }) => `batch.${name}`).join(', ')}, superseded.revision + 1, posting.id
        FROM posting, batch JOIN superseded USING (request_id)
      RETURNING ${RETURNED}),
    ${movedBy(`SELECT 1 AS sign, ${RETURNED} FROM inserted UNION ALL SELECT -1, ${RETURNED} FROM superseded`)},
    ${postedAs('correction')}
  SELECT count(*)::int AS count FROM superseded`;
