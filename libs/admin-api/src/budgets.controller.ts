import { Inject } from '@nestjs/common';
import {
  type Budget,
  decimalUsd,
  periodStartMs,
  USAGE_QUERIES,
  usdFromNano,
  type UsageFilter,
  type UsageQueries,
} from '@switchboard/contracts';
import { scopeOf } from './auth/permissions';
import { budgetInput } from './core/inputs/budget-input';
import { BudgetOwners, type BudgetOwnerRow } from './http/adapters/budget-owners';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { idParams, pageReply, tenantPageQuery } from './http/page-query';
import { budgetPageReply, keyReply, tenantReply } from './http/replies/tenant-replies';
import { ApiController } from './http/routes';
import { spentNanoUsd } from './http/spending';
import { Budgets } from './services/budgets';
import { Mutations } from './services/mutations';

const ofTenant = {
  permission: 'budget.tenant',
  target: { at: 'tenant', in: 'params', name: 'id' },
  params: idParams,
  reply: tenantReply,
} as const;
const ofKey = {
  permission: 'budget.key',
  target: { at: 'key', name: 'id' },
  params: idParams,
  reply: keyReply,
} as const;

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listBudgets' },
  summary: 'Every budget, with what was spent in its current period (UTC) and what is left.',
  ...{ permission: 'budget.read', target: { at: 'scope' }, query: tenantPageQuery, reply: budgetPageReply },
});

const SET_TENANT = endpoint({
  ...{ method: 'PUT', path: 'tenants/:id', operationId: 'setTenantBudget', summary: 'What a tenant may spend.' },
  ...{ ...ofTenant, body: budgetInput },
});

const CLEAR_TENANT = endpoint({
  ...{ method: 'DELETE', path: 'tenants/:id', operationId: 'clearTenantBudget', summary: 'Lifts the tenant’s budget.' },
  ...ofTenant,
});

const SET_KEY = endpoint({
  ...{ method: 'PUT', path: 'keys/:id', operationId: 'setKeyBudget', summary: 'What a key may spend.' },
  ...{ ...ofKey, body: budgetInput },
});

const CLEAR_KEY = endpoint({
  ...{ method: 'DELETE', path: 'keys/:id', operationId: 'clearKeyBudget', summary: 'Lifts the key’s budget.' },
  ...ofKey,
});

@ApiController('budgets')
export class BudgetsController {
  constructor(
    @Inject(Budgets) private readonly budgets: Budgets,
    @Inject(BudgetOwners) private readonly owners: BudgetOwners,
    @Inject(USAGE_QUERIES) private readonly usage: UsageQueries,
    @Inject(Mutations) private readonly mutations: Mutations,
  ) {}

  @Handles(LIST)
  async list(@Input() { query, principal }: InputOf<typeof LIST>) {
    const { tenant, ...page } = query;
    const scope = tenant === undefined ? scopeOf(principal) : [tenant];
    const { data, nextCursor } = await this.owners.list(page, scope);
    const nowMs = Date.now();
    return pageReply({ data: await Promise.all(data.map((row) => this.state(row, nowMs))), nextCursor });
  }

  @Handles(SET_TENANT)
  setTenant(@Input() input: InputOf<typeof SET_TENANT>) {
    const owner = { tenantId: input.params.id };
    return mutate(this.mutations, SET_TENANT, input, (change) => this.budgets.set(change, owner, input.body));
  }

  @Handles(CLEAR_TENANT)
  clearTenant(@Input() input: InputOf<typeof CLEAR_TENANT>) {
    const owner = { tenantId: input.params.id };
    return mutate(this.mutations, CLEAR_TENANT, input, (change) => this.budgets.clear(change, owner));
  }

  @Handles(SET_KEY)
  setKey(@Input() input: InputOf<typeof SET_KEY>) {
    const owner = { keyId: input.params.id };
    return mutate(this.mutations, SET_KEY, input, (change) => this.budgets.set(change, owner, input.body));
  }

  @Handles(CLEAR_KEY)
  clearKey(@Input() input: InputOf<typeof CLEAR_KEY>) {
    const owner = { keyId: input.params.id };
    return mutate(this.mutations, CLEAR_KEY, input, (change) => this.budgets.clear(change, owner));
  }

  private async state({ owner, id, tenant, name, budget }: BudgetOwnerRow, nowMs: number) {
    const fromMs = periodStartMs(budget.period, nowMs);
    const periodStart = budget.period === 'total' ? null : new Date(fromMs).toISOString();
    const filter: UsageFilter = owner === 'tenant' ? { tenantId: id } : { tenantId: tenant, keyId: id };
    const spent = await spentNanoUsd(this.usage, { ...filter, fromMs });
    const remaining = BigInt(budget.nanoUsd) - spent;
    return {
      ...{ owner, id, tenant, name, budget: budgetOf(budget), periodStart },
      ...{ spentUsd: decimalUsd(spent), spentNanoUsd: String(spent) },
      ...{ remainingUsd: decimalUsd(remaining), remainingNanoUsd: String(remaining) },
    };
  }
}

function budgetOf({ nanoUsd, period }: Budget) {
  return { usd: usdFromNano(nanoUsd), period };
}
