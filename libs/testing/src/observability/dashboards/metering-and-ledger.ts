import { type Dashboard, figure, graph, of, quantile, rate } from './dashboard';

/** Replicas of metering tell the same of what they share. */
const shared = (metric: string): string => `max(${of(metric)})`;

export const meteringAndLedger: Dashboard = {
  name: 'metering-and-ledger',
  title: 'Metering and ledger',
  description: 'Whether everything that was used is on its way into the books, and the books are right.',
  panels: [
    figure('Ledger', 'short', shared('switchboard_ledger_balanced'), {
      description: '1: the last reconciliation found it balanced. 0: it did not; `npm run ledger:verify` says where.',
      redBelow: 1,
    }),
    figure('Ledger lag', 's', shared('switchboard_ledger_lag_seconds'), {
      description: 'How long the oldest usage in the stream has been waiting for Postgres.',
      red: 60,
    }),
    figure('Refused, waiting', 'short', shared('switchboard_usage_refused_waiting'), {
      description: 'Usage that cannot be billed as it came. A person has to decide: replay or dismiss.',
      red: 1,
    }),
    figure('Lost', 'short', `sum(increase(${of('switchboard_usage_dropped_total')}[24h]))`, {
      description: 'Usage records dropped in a day. Must be 0.',
      red: 1,
    }),
    figure('Unspooled', 'short', `sum(increase(${of('switchboard_usage_spool_refused_total')}[24h]))`, {
      description: 'Records of a day that were in memory only, for the spool was full or could not be written.',
      red: 1,
    }),
    figure('Orphans', 'short', `sum(increase(${of('switchboard_usage_spool_orphans_total')}[24h]))`, {
      description:
        'Calls of a day that were under way when their edge died, recorded at the most they can have come to.',
      red: 1,
    }),
    graph(
      'Usage on its way',
      'short',
      {
        published: `sum(${rate('switchboard_usage_published_total')})`,
        stored: `sum(${rate('switchboard_usage_inserted_total')})`,
        again: `sum(${rate('switchboard_usage_duplicates_total')})`,
        corrected: `sum(${rate('switchboard_usage_corrected_total')})`,
      },
      { description: 'Records per second. Published and stored lie on one another, or the backlog grows.' },
    ),
    graph(
      'Backlog of the streams',
      'short',
      {
        usage: shared('switchboard_usage_backlog'),
        calls: shared('switchboard_call_log_backlog'),
        responses: shared('switchboard_response_parts_backlog'),
      },
      { description: 'Messages in JetStream that metering has not stored. Usage is kept for seven days.' },
    ),
    graph(
      'Ledger lag',
      's',
      { oldest: shared('switchboard_ledger_lag_seconds') },
      {
        description: 'Age of the oldest usage that is not in the ledger. Budgets do not depend on it.',
      },
    ),
    graph(
      'Spools of the edges',
      'percentunit',
      { '{{instance}}': `${of('switchboard_usage_spool_bytes')} / ${of('switchboard_usage_spool_limit_bytes')}` },
      { description: 'Share of SPOOL_MAX_BYTES in use. Grows while NATS is away.' },
    ),
    graph(
      'Waiting at the edges',
      'short',
      {
        'in memory {{instance}}': of('switchboard_usage_buffered_records'),
        'on disk {{instance}}': of('switchboard_usage_spool_records'),
      },
      { description: 'Records that the stream has not confirmed; on disk: calls under way too.' },
    ),
    graph(
      'Storing a batch',
      's',
      {
        p50: quantile(0.5, 'switchboard_usage_insert_seconds'),
        p99: quantile(0.99, 'switchboard_usage_insert_seconds'),
      },
      { description: 'Usage, ledger and sums in one transaction. Slow: look at Postgres.' },
    ),
    graph(
      'Failed runs of jobs',
      'short',
      {
        '{{exported_job}}': `sum by (exported_job) (increase(${of('switchboard_jobs_total', 'result="failed"')}[1h]))`,
      },
      {
        description: 'Of the last hour. Each is in the log, and tried again at its next turn.',
      },
    ),
    graph(
      'Since jobs were done',
      's',
      {
        '{{exported_job}}': `time() - max by (exported_job) (${of('switchboard_job_last_success_timestamp_seconds')})`,
      },
      { description: 'By any replica. `reconciliation` is due once a day, the others once an hour at least.' },
    ),
  ],
};
