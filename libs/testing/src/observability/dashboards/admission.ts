import { type Dashboard, figure, graph, of, quantile, rate } from './dashboard';

export const admission: Dashboard = {
  name: 'admission',
  title: 'Admission',
  description: 'Limits, budgets and credits: who is admitted, how fast, and what is set aside.',
  panels: [
    figure('Asked', 'reqps', `sum(${rate('switchboard_admissions_total')})`, {
      description: 'Calls of keys with limits, a budget or credits.',
    }),
    figure(
      'Limiter away, refused',
      'reqps',
      `sum(${rate('switchboard_admissions_total', 'outcome="unavailable_refused"')})`,
      {
        description: '503 limiter_unavailable: keys with a budget are refused while nobody can check it.',
        red: 0.001,
      },
    ),
    figure(
      'Limiter away, admitted',
      'reqps',
      `sum(${rate('switchboard_admissions_total', 'outcome="unavailable_admitted"')})`,
      {
        description: 'Keys with rate limits only, admitted unchecked: policies.limiterUnavailable is open.',
        red: 0.001,
      },
    ),
    figure('Open reservations', 'short', `sum(${of('switchboard_reservations_open')})`, {
      description: 'Admitted calls that are not settled, on all edges.',
    }),
    figure('Held', 'currencyUSD', `sum(${of('switchboard_reservations_held_usd')})`, {
      description: 'Set aside for them, at the most they can come to.',
    }),
    figure('Orphans', 'short', `sum(increase(${of('switchboard_rate_limit_orphans_total')}[1h]))`, {
      description: 'Of the last hour: calls whose edge died before it settled them. Charged as reserved, flagged.',
      red: 1,
    }),
    graph(
      'Decisions',
      'reqps',
      { '{{outcome}}': `sum by (outcome) (${rate('switchboard_admissions_total')})` },
      {
        description: 'As the edges saw them.',
        stacked: true,
      },
    ),
    graph(
      'Denied by dimension',
      'reqps',
      {
        '{{outcome}}': `sum by (outcome) (${rate('switchboard_rate_limit_steps_total', 'step="reserve",outcome=~"denied_.*"')})`,
      },
      {
        description:
          'As rate-limit decided. What an edge refuses by itself, for a key that has no requests left, is not here.',
      },
    ),
    graph(
      'Time of a step',
      's',
      {
        'p50 {{step}}': quantile(0.5, 'switchboard_rate_limit_step_seconds', { by: 'step' }),
        'p99 {{step}}': quantile(0.99, 'switchboard_rate_limit_step_seconds', { by: 'step' }),
      },
      { description: 'In rate-limit, Redis included. Every call of a bounded key waits for one reserve.' },
    ),
    graph(
      'Before dispatch, p99',
      's',
      { '{{dialect}}': quantile(0.99, 'switchboard_before_dispatch_seconds', { by: 'dialect' }) },
      {
        description: 'What clients wait before their call leaves, admission included.',
      },
    ),
    graph(
      'Steps by outcome',
      'reqps',
      { '{{step}} {{outcome}}': `sum by (step, outcome) (${rate('switchboard_rate_limit_steps_total')}) > 0` },
      {
        description: 'pending: asks again. unknown: settled already, or lost with Redis.',
      },
    ),
    graph(
      'Spending read from the ledger, p95',
      's',
      {
        p95: `histogram_quantile(0.95, sum by (le) (increase(${of('switchboard_rate_limit_ledger_seconds_bucket')}[1h])))`,
      },
      { description: 'Of the last hour. At the first call of a budget’s period, and after a restart of Redis.' },
    ),
  ],
};
