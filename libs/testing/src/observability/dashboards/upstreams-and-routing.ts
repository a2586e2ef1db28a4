import { type Dashboard, figure, graph, of, quantile, rate, table } from './dashboard';

const usable = `sum by (model) (max by (model, state) (${of('switchboard_model_upstreams', 'state!="open"')}))`;
const models = { by: 'gen_ai_request_model' };

export const upstreamsAndRouting: Dashboard = {
  name: 'upstreams-and-routing',
  title: 'Upstreams and routing',
  description: 'Which upstreams are well, what calls met there, and whether anybody leads the routers.',
  panels: [
    figure('Models nobody serves', 'short', `count(${usable} == 0) or vector(0)`, {
      description: 'Models all of whose upstreams are open: their calls fail.',
      red: 1,
    }),
    figure(
      'Upstreams open',
      'short',
      `count(max by (provider, model) (${of('switchboard_upstream_state', 'state="open"')}) == 1) or vector(0)`,
      { description: 'Upstreams that are not called at all.', red: 1 },
    ),
    figure('Accounts refused', 'short', `sum(max by (provider) (${of('switchboard_upstream_account_refused')}))`, {
      description: 'Providers that refuse our credentials or our bill. Nothing is served there until somebody acts.',
      red: 1,
    }),
    figure('Routers that lead', 'short', `sum(${of('switchboard_routing_leader')})`, {
      description: 'One, or the last ranking stays as it is. For some seconds of a change none, or two.',
      redBelow: 1,
    }),
    figure('Age of the snapshot', 's', `min(${of('switchboard_routing_snapshot_age_seconds')})`, {
      description: 'The ranking that edges go by is refreshed twice a minute at least.',
      red: 90,
    }),
    figure('Retries refused', 'reqps', `sum(${rate('switchboard_upstream_retries_total', 'outcome!="granted"')})`, {
      description: 'Failed attempts that went to no other upstream: for the retry budget, or for side effects.',
    }),
    table('State of upstreams', 'short', `max by (provider, model, state) (${of('switchboard_upstream_state')}) == 1`, {
      description:
        'As the leading router sees them; `model` is the name at the provider. Why: /api/v1/routing/explain.',
    }),
    graph(
      'Failed attempts by provider',
      'reqps',
      {
        '{{provider}} {{outcome}}': `sum by (provider, outcome) (${rate('switchboard_upstream_attempts_total', 'outcome!="ok"')}) > 0`,
      },
      {
        description:
          'connect: refused. timeout: no first token, or silence. broken: off in mid-reply. rejected: 4xx and 5xx.',
      },
    ),
    graph(
      'First token by model, p95',
      's',
      { '{{gen_ai_request_model}}': quantile(0.95, 'gen_ai_server_time_to_first_token_seconds', models) },
      {
        description: 'Of streamed replies, by the model that served.',
      },
    ),
    graph(
      'Duration by model, p95',
      's',
      { '{{gen_ai_request_model}}': quantile(0.95, 'gen_ai_server_request_duration_seconds', models) },
      {
        description: 'To the last byte of the reply, failures included.',
      },
    ),
    graph(
      'Retries',
      'reqps',
      { '{{outcome}}': `sum by (outcome) (${rate('switchboard_upstream_retries_total')})` },
      {
        description: 'exhausted: a tenth of the requests were retries already. side_effects: a tool may have run.',
      },
    ),
    graph(
      'Waiting for room at providers',
      'short',
      { '{{provider}}': `sum by (provider) (${of('switchboard_provider_account_waiting')})` },
      {
        description:
          'Calls queued on edges for the limits of a provider’s account. Only providers with limits are here.',
      },
    ),
    graph(
      'Probes',
      'reqps',
      { '{{provider}} {{result}}': `sum by (provider, result) (${rate('switchboard_routing_probes_total')})` },
      {
        description: 'What the leading router finds when it asks a provider whether it answers at all.',
      },
    ),
    graph(
      'Losses in translation',
      'short',
      { '{{dialect}}': `sum by (dialect) (${rate('switchboard_translation_losses_total')})` },
      {
        description: 'Pieces of requests and replies that the other dialect cannot carry, by the client’s dialect.',
      },
    ),
  ],
};
