/** What usage queries are measured over, made by the database itself: 10 million rows would take hours to send. */
export const WORLD = {
  tenants: 200,
  /** Of all tenants; the first is the busiest. */
  keys: 2_000,
  models: 20,
  upstreams: 6,
  days: 90,
  busiestTenant: 'tenant_0',
};

/**
 * A day of calls in the order they came. Some keys call a great deal more than others (a tenth of them makes 40 % of the
 * calls); a key has a model it mostly uses and three others, a model an upstream it mostly goes to and another; nights are
 * quieter.
 */
export function fillDaySql(fromMs: number, rows: number): string {
  const { tenants, keys, models, upstreams } = WORLD;
  return `
    INSERT INTO usage (request_id, ledger_transaction_id, tenant_id, key_id, requested_model, model, upstream, client_dialect,
      upstream_dialect, stream, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens,
      reasoning_tokens, cost_nano_usd, accuracy, started_at, first_token_ms, latency_ms, attempts, finish, status)
    SELECT 'req_' || lpad(to_hex(at_ms), 12, '0') || '7' || lpad(to_hex(n), 19, '0'), 1, 'tenant_' || key % ${tenants},
           'key_' || key, 'auto', 'vendor/model-' || model, 'upstream-' || (model + other_upstream) % ${upstreams},
           'anthropic-messages', 'anthropic-messages', true, 1000 + n % 3000, n % 700, n % 90, 0, 300 + n % 500, n % 40,
           7000000 + n, CASE n % 40 WHEN 0 THEN 'estimated' ELSE 'exact' END, to_timestamp(at_ms / 1000.0), 400, 2000, 1,
           'end_turn', 200
      FROM (SELECT n, key, other_upstream, (key * 7 + other_model) % ${models} AS model,
                   (${fromMs} + 86400000 * (at - 0.1 * sin(2 * pi() * at) / pi()))::bigint AS at_ms
              FROM (SELECT n, (n - 0.5) / ${rows} AS at, floor(${keys} * power(random(), 2.5))::int AS key,
                           floor(4 * power(random(), 4))::int AS other_model, (random() < 0.15)::int AS other_upstream
                      FROM generate_series(1, ${rows}) AS n) AS drawn) AS calls`;
}

const AMOUNTS = [
  ...['requests', 'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens'],
  ...['output_tokens', 'reasoning_tokens', 'cost_nano_usd'],
];

/** As the migrations make them of what is there; the triggers that keep the coarser sums would take minutes for all at once. */
export const FILL_ROLLUPS: readonly string[] = [
  'SET session_replication_role = replica',
  `INSERT INTO usage_rollups
   SELECT date_bin('1 hour', started_at, TIMESTAMPTZ '1970-01-01 00:00:00+00'), tenant_id, key_id, model, upstream, accuracy,
          count(*), ${sumsOf(AMOUNTS.slice(1))}
     FROM usage_current GROUP BY 1, 2, 3, 4, 5, 6`,
  `INSERT INTO usage_rollups_by_day
   SELECT date_bin('1 day', hour, TIMESTAMPTZ '1970-01-01 00:00:00+00'), tenant_id, key_id, model, upstream, ${sumsOf(AMOUNTS)}
     FROM usage_rollups GROUP BY 1, 2, 3, 4, 5`,
  `INSERT INTO usage_rollups_by_key_day
   SELECT day, tenant_id, key_id, ${sumsOf(AMOUNTS)} FROM usage_rollups_by_day GROUP BY 1, 2, 3`,
  `INSERT INTO usage_rollups_by_model_hour
   SELECT hour, model, upstream, ${sumsOf(AMOUNTS)} FROM usage_rollups GROUP BY 1, 2, 3`,
  'SET session_replication_role = DEFAULT',
];

function sumsOf(amounts: readonly string[]): string {
  return amounts.map((name) => `sum(${name})`).join(', ');
}
