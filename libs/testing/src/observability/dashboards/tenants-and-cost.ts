import { type Dashboard, figure, graph, of, rate, table } from './dashboard';

const cost = (by: string): string => `sum by (${by}) (${rate('switchboard_cost_usd_total')}) * 3600`;
const read = `sum(${rate('switchboard_tokens_total', 'kind="cache_read"')})`;
const input = `sum(${rate('switchboard_tokens_total', 'kind=~"input|cache_read|cache_write"')})`;

export const tenantsAndCost: Dashboard = {
  name: 'tenants-and-cost',
  title: 'Tenants and cost',
  description: 'Who spends what on which models. Tenants are shown where metering runs with TENANT_COST_TOP.',
  panels: [
    figure('Cost per hour', 'currencyUSD', `sum(${rate('switchboard_cost_usd_total')}) * 3600`, {
      description: 'At the pace of now, all tenants.',
      width: 6,
    }),
    figure(
      'Dearest tenants today',
      'currencyUSD',
      `sum(max by (tenant) (${of('switchboard_tenant_cost_today_usd')}))`,
      {
        description: 'Since midnight UTC, of the tenants in the table below together.',
        width: 6,
      },
    ),
    figure('Held by open calls', 'currencyUSD', `sum(${of('switchboard_reservations_held_usd')})`, {
      description: 'What budgets and credits set aside for calls under way, at the most they can come to.',
      width: 6,
    }),
    figure('Input read from caches', 'percentunit', `${read} / ${input}`, {
      description: 'Share of input tokens that upstreams read from their prompt caches: the cheapest saving there is.',
      width: 6,
    }),
    graph(
      'Cost per hour by model',
      'currencyUSD',
      { '{{model}}': `topk(15, ${cost('model')})` },
      {
        description: 'The fifteen dearest models.',
        stacked: true,
      },
    ),
    graph(
      'Cost per hour by provider',
      'currencyUSD',
      { '{{provider}}': cost('provider') },
      {
        description: 'By the provider’s id in gateway.yaml.',
        stacked: true,
      },
    ),
    table(
      'Tenants by cost today',
      'currencyUSD',
      `sort_desc(max by (tenant) (${of('switchboard_tenant_cost_today_usd')}))`,
      {
        description:
          'USD since midnight UTC of the dearest tenants, as the ledger has it. Empty without TENANT_COST_TOP.',
      },
    ),
    table('Their calls today', 'short', `sort_desc(max by (tenant) (${of('switchboard_tenant_requests_today')}))`, {
      description: 'Calls since midnight UTC of the same tenants.',
    }),
    graph(
      'Refused for limits, budgets and credits',
      'reqps',
      { '{{outcome}}': `sum by (outcome) (${rate('switchboard_admissions_total', 'outcome=~"denied_.*"')})` },
      {
        description:
          'By what was used up: requests, tokens, concurrency, budget, credits. `held`: by other open calls.',
      },
    ),
    graph(
      'Tokens per call, mean',
      'short',
      {
        '{{gen_ai_request_model}} {{gen_ai_token_type}}':
          `sum by (gen_ai_request_model, gen_ai_token_type) (${rate('gen_ai_client_token_usage_sum')}) / ` +
          `sum by (gen_ai_request_model, gen_ai_token_type) (${rate('gen_ai_client_token_usage_count')})`,
      },
      { description: 'Input (cached included) and output. A jump is a client that changed its prompts.' },
    ),
  ],
};
