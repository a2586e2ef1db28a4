import { Inject } from '@nestjs/common';
import { decimalUsd, USAGE_QUERIES, type UsageQueries } from '@switchboard/contracts';
import { z } from 'zod';
import { scopeOf } from './auth/permissions';
import type { Principal } from './auth/principal';
import { topUpInput } from './core/inputs/credit-input';
import { notFound } from './core/refusals';
import { instantSchema } from './core/usage-query';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { pageQuery, pageReply, tenantParams } from './http/page-query';
import { balanceReply, creditEntryReply, ledgerPageReply } from './http/replies/tenant-replies';
import { ApiController } from './http/routes';
import { spentNanoUsd } from './http/spending';
import { Credits } from './services/credits';
import { Mutations } from './services/mutations';
import { Tenants } from './services/tenants';

const target = { at: 'tenant', in: 'params', name: 'tenant' } as const;

const balanceQuery = z.strictObject({ at: instantSchema.optional() });

const BALANCE = endpoint({
  ...{ method: 'GET', path: ':tenant', operationId: 'getBalance' },
  summary:
    'What a tenant paid in advance, less what its calls cost; with `at`, as it was then: what was paid and begun before.',
  ...{ permission: 'credits.read', target, params: tenantParams, query: balanceQuery, reply: balanceReply },
});

const TOP_UP = endpoint({
  ...{ method: 'POST', path: ':tenant/top-ups', operationId: 'topUpCredits', summary: 'Adds to a tenant’s credits.' },
  ...{ permission: 'credits.top-up', target, params: tenantParams, body: topUpInput },
  ...{ reply: creditEntryReply, status: 201 },
});

const LEDGER = endpoint({
  ...{ method: 'GET', path: ':tenant/ledger', operationId: 'listLedger' },
  summary: 'What a tenant paid in advance, the latest first.',
  ...{ permission: 'credits.read', target, params: tenantParams, query: pageQuery, reply: ledgerPageReply },
});

@ApiController('credits')
export class CreditsController {
  constructor(
    @Inject(Credits) private readonly credits: Credits,
    @Inject(Tenants) private readonly tenants: Tenants,
    @Inject(USAGE_QUERIES) private readonly usage: UsageQueries,
    @Inject(Mutations) private readonly mutations: Mutations,
  ) {}

  @Handles(BALANCE)
  async balance(@Input() { params: { tenant }, query: { at }, principal }: InputOf<typeof BALANCE>) {
    await this.requireTenant(tenant, principal);
    const beforeMs = at === undefined ? undefined : Date.parse(at);
    const [paid, spent] = await Promise.all([
      this.credits.totalNanoUsd(tenant, beforeMs),
      spentNanoUsd(this.usage, { tenantId: tenant, toMs: beforeMs }),
    ]);
    const balance = paid - spent;
    return {
      ...{ tenant, paidUsd: decimalUsd(paid), paidNanoUsd: String(paid) },
      ...{ spentUsd: decimalUsd(spent), spentNanoUsd: String(spent) },
      ...{ balanceUsd: decimalUsd(balance), balanceNanoUsd: String(balance) },
    };
  }

  @Handles(TOP_UP)
  topUp(@Input() input: InputOf<typeof TOP_UP>) {
    const { params, body } = input;
    return mutate(this.mutations, TOP_UP, input, (change) => this.credits.topUp(change, params.tenant, body));
  }

  @Handles(LEDGER)
  async ledger(@Input() { params: { tenant }, query, principal }: InputOf<typeof LEDGER>) {
    await this.requireTenant(tenant, principal);
    return pageReply(await this.credits.list(tenant, query, scopeOf(principal)));
  }

  private async requireTenant(id: string, principal: Principal): Promise<void> {
    if ((await this.tenants.get(id, scopeOf(principal))) === undefined) throw notFound('tenant', id);
  }
}
