import { Inject } from '@nestjs/common';
import { scopeOf } from './auth/permissions';
import { tenantCreateInput, tenantUpdateInput } from './core/inputs/tenant-input';
import { notFound } from './core/refusals';
import { requirePermission } from './http/access.guard';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { idParams, pageQuery, pageReply } from './http/page-query';
import { deletedReply } from './http/replies/reply-registry';
import { tenantPageReply, tenantReply } from './http/replies/tenant-replies';
import { ApiController } from './http/routes';
import { Mutations } from './services/mutations';
import { Tenants } from './services/tenants';

const target = { at: 'tenant', in: 'params', name: 'id' } as const;

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listTenants', summary: 'The tenants, by id.' },
  ...{ permission: 'tenant.read', target: { at: 'scope' }, query: pageQuery, reply: tenantPageReply },
});

const CREATE = endpoint({
  ...{ method: 'POST', path: '', operationId: 'createTenant', summary: 'Creates a tenant.' },
  ...{ permission: 'tenant.create', target: { at: 'platform' }, body: tenantCreateInput },
  ...{ reply: tenantReply, status: 201 },
});

const GET = endpoint({
  ...{ method: 'GET', path: ':id', operationId: 'getTenant', summary: 'One tenant.' },
  ...{ permission: 'tenant.read', target, params: idParams, reply: tenantReply },
});

const UPDATE = endpoint({
  ...{ method: 'PATCH', path: ':id', operationId: 'updateTenant' },
  summary: 'Changes what is given. Limits, `active` and the retention of the call log are for the platform’s admins.',
  ...{ permission: 'tenant.update', target, params: idParams, body: tenantUpdateInput, reply: tenantReply },
});

const REMOVE = endpoint({
  ...{ method: 'DELETE', path: ':id', operationId: 'deleteTenant', summary: 'Removes a tenant with all its keys.' },
  ...{ permission: 'tenant.delete', target, params: idParams, reply: deletedReply },
});

@ApiController('tenants')
export class TenantsController {
  constructor(
    @Inject(Tenants) private readonly tenants: Tenants,
    @Inject(Mutations) private readonly mutations: Mutations,
  ) {}

  @Handles(LIST)
  async list(@Input() { query, principal }: InputOf<typeof LIST>) {
    return pageReply(await this.tenants.list(query, scopeOf(principal)));
  }

  @Handles(CREATE)
  create(@Input() input: InputOf<typeof CREATE>) {
    return mutate(this.mutations, CREATE, input, (change) => this.tenants.create(change, input.body));
  }

  @Handles(GET)
  async get(@Input() { params: { id }, principal }: InputOf<typeof GET>) {
    const tenant = await this.tenants.get(id, scopeOf(principal));
    if (tenant === undefined) throw notFound('tenant', id);
    return tenant;
  }

  @Handles(UPDATE)
  update(@Input() input: InputOf<typeof UPDATE>) {
    const { params, body, principal } = input;
    const { limits, active, callLogRetentionDays } = body;
    const governs = [limits, active, callLogRetentionDays].some((one) => one !== undefined);
    if (governs) requirePermission(principal, 'tenant.govern');
    return mutate(this.mutations, UPDATE, input, (change) => this.tenants.update(change, params.id, body));
  }

  @Handles(REMOVE)
  remove(@Input() input: InputOf<typeof REMOVE>) {
    const { id } = input.params;
    return mutate(this.mutations, REMOVE, input, async (change) => {
      await this.tenants.remove(change, id);
      return { id, deleted: true };
    });
  }
}
