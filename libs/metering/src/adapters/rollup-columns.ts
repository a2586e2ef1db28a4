/** What a rollup is kept for, in the order all writers lock its rows in. */
export const DIMENSIONS = ['tenant_id', 'key_id', 'hour', 'model', 'upstream', 'accuracy'];

/** What a call has, and sums of calls. */
export const AMOUNTS = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_nano_usd',
];

export const SUMS = ['requests', ...AMOUNTS];
