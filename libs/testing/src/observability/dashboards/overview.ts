import { type Dashboard, figure, graph, of, quantile, rate } from './dashboard';

const errors = `sum(${rate('switchboard_requests_total', 'status=~"5.."')})`;
const requests = `sum(${rate('switchboard_requests_total')})`;

export const overview: Dashboard = {
  name: 'overview',
  title: 'Overview',
  description: 'Whether clients are served, how fast, and what is in the way.',
  panels: [
    figure('Requests', 'reqps', requests, {
      description: 'Inference requests answered per second, refusals included.',
    }),
    figure('Errors', 'percentunit', `${errors} / ${requests}`, {
      description: 'Share of requests answered with 5xx. The objective is below 0.1 %.',
      red: 0.01,
    }),
    figure('First token, p95', 's', quantile(0.95, 'switchboard_first_token_seconds'), {
      description: 'Of streamed replies, from the last byte of the request. Most of it is the upstream’s.',
      red: 5,
    }),
    figure('Added, p95', 's', quantile(0.95, 'switchboard_added_latency_seconds'), {
      description: 'What the gateway itself took. Above some 10 ms: look at Admission, then at Runtime.',
      red: 0.05,
    }),
    figure('Under way', 'short', `sum(${of('switchboard_open_requests')})`, {
      description: 'Requests and streams open now, on all edges.',
    }),
    figure('Not ready', 'short', `sum(1 - ${of('switchboard_dependency_up', 'required="true"')})`, {
      description: 'Required dependencies that a process cannot reach. Runtime says whose.',
      red: 1,
    }),
    graph(
      'Requests by status',
      'reqps',
      { '{{status}}': `sum by (status) (${rate('switchboard_requests_total')}) > 0` },
      {
        description: '429: limits and budgets. 502 to 504: upstreams. 503 of admission too: see Admission.',
        stacked: true,
      },
    ),
    graph(
      'First token',
      's',
      {
        p50: quantile(0.5, 'switchboard_first_token_seconds'),
        p95: quantile(0.95, 'switchboard_first_token_seconds'),
        p99: quantile(0.99, 'switchboard_first_token_seconds'),
      },
      { description: 'Of streamed replies. If only some models are slow, Upstreams and routing says which.' },
    ),
    graph(
      'Added latency',
      's',
      {
        p50: quantile(0.5, 'switchboard_added_latency_seconds'),
        p99: quantile(0.99, 'switchboard_added_latency_seconds'),
        'p99 before dispatch': quantile(0.99, 'switchboard_before_dispatch_seconds'),
      },
      { description: 'Time that was not the upstream’s, and how much of it passed before the call left.' },
    ),
    graph(
      'Upstream calls by what came of them',
      'reqps',
      { '{{outcome}}': `sum by (outcome) (${rate('switchboard_upstream_attempts_total')})` },
      {
        description:
          'rejected: a status of error, 429 included. A client sees only what no other upstream made up for.',
      },
    ),
    graph(
      'Tokens by kind',
      'short',
      { '{{kind}}': `sum by (kind) (${rate('switchboard_tokens_total')})` },
      { description: 'Tokens billed per second.', stacked: true },
    ),
    graph(
      'Cost per hour',
      'currencyUSD',
      { USD: `sum(${rate('switchboard_cost_usd_total')}) * 3600` },
      { description: 'What calls cost at the prices of the catalog, at the pace of now.' },
    ),
  ],
};
