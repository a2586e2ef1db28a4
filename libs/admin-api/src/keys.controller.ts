import { Inject } from '@nestjs/common';
import { keyBounds, LIMITER, type Limiter, scopeName, tenantBounds } from '@switchboard/contracts';
import { scopeOf } from './auth/permissions';
import { keyCreateInput, keyRotateInput, keyUpdateInput } from './core/inputs/key-input';
import type { KeyView } from './core/key-view';
import { notFound } from './core/refusals';
import type { Principal } from './auth/principal';
import { type RateStateView, rateStateView } from './core/rate-state-view';
import { BoundedKeys } from './http/adapters/bounded-keys';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { idParams, pageReply, tenantPageQuery } from './http/page-query';
import { keyPageReply, keyReply, newKeyReply, rateStateReply } from './http/replies/tenant-replies';
import { ApiController } from './http/routes';
import { Keys } from './services/keys';
import { Mutations } from './services/mutations';

const target = { at: 'key', name: 'id' } as const;

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listKeys', summary: 'The keys, by id; of one tenant or of all.' },
  ...{ permission: 'key.read', target: { at: 'scope' }, query: tenantPageQuery, reply: keyPageReply },
});

const CREATE = endpoint({
  ...{ method: 'POST', path: '', operationId: 'createKey' },
  summary: 'Makes a key. The reply holds its plaintext, which is never shown again.',
  ...{ permission: 'key.create', target: { at: 'tenant', in: 'body', name: 'tenant' }, body: keyCreateInput },
  ...{ reply: newKeyReply, status: 201 },
});

const GET = endpoint({
  ...{ method: 'GET', path: ':id', operationId: 'getKey', summary: 'One key, without its secret.' },
  ...{ permission: 'key.read', target, params: idParams, reply: keyReply },
});

const UPDATE = endpoint({
  ...{ method: 'PATCH', path: ':id', operationId: 'updateKey', summary: 'Changes what is given; null takes away.' },
  ...{ permission: 'key.update', target, params: idParams, body: keyUpdateInput, reply: keyReply },
});

const ROTATE = endpoint({
  ...{ method: 'POST', path: ':id/rotate', operationId: 'rotateKey' },
  summary: 'Gives the key a new secret, shown this once; the older ones work on for `overlapSeconds`.',
  ...{ permission: 'key.rotate', target, params: idParams, body: keyRotateInput, reply: newKeyReply },
});

const REVOKE = endpoint({
  ...{ method: 'POST', path: ':id/revoke', operationId: 'revokeKey' },
  summary: 'Ends the key, at once and for good.',
  ...{ permission: 'key.revoke', target, params: idParams, reply: keyReply },
});

const RATE_STATE = endpoint({
  ...{ method: 'GET', path: ':id/rate-state', operationId: 'getKeyRateState' },
  summary: 'The limiter’s live counters of the key and of its tenant.',
  ...{ permission: 'key.read', target, params: idParams, reply: rateStateReply },
});

@ApiController('keys')
export class KeysController {
  constructor(
    @Inject(Keys) private readonly keys: Keys,
    @Inject(Mutations) private readonly mutations: Mutations,
    @Inject(BoundedKeys) private readonly bounded: BoundedKeys,
    @Inject(LIMITER) private readonly limiter: Limiter,
  ) {}

  @Handles(LIST)
  async list(@Input() { query, principal }: InputOf<typeof LIST>) {
    const { tenant, ...page } = query;
    return pageReply(await this.keys.list(page, { tenantId: tenant }, scopeOf(principal)));
  }

  @Handles(CREATE)
  create(@Input() input: InputOf<typeof CREATE>) {
    return mutate(this.mutations, CREATE, input, (change) => this.keys.create(change, input.body));
  }

  @Handles(GET)
  get(@Input() { params: { id }, principal }: InputOf<typeof GET>): Promise<KeyView> {
    return this.found(id, principal);
  }

  @Handles(UPDATE)
  update(@Input() input: InputOf<typeof UPDATE>) {
    const { params, body } = input;
    return mutate(this.mutations, UPDATE, input, (change) => this.keys.update(change, params.id, body));
  }

  @Handles(ROTATE)
  rotate(@Input() input: InputOf<typeof ROTATE>) {
    const { params, body } = input;
    return mutate(this.mutations, ROTATE, input, (change) => this.keys.rotate(change, params.id, body));
  }

  @Handles(REVOKE)
  revoke(@Input() input: InputOf<typeof REVOKE>) {
    const { id } = input.params;
    return mutate(this.mutations, REVOKE, input, (change) => this.keys.revoke(change, id));
  }

  @Handles(RATE_STATE)
  async rateState(@Input() { params: { id }, principal }: InputOf<typeof RATE_STATE>): Promise<RateStateView> {
    const found = await this.bounded.get(id, scopeOf(principal));
    if (found === undefined) throw notFound('key', id);
    const bounds = { key: keyBounds(found.key), tenant: tenantBounds(found.tenant) };
    const group = scopeName.tenant(found.tenant.id);
    return rateStateView(bounds, await this.limiter.state({ group, scopes: [bounds.key, bounds.tenant] }));
  }

  private async found(id: string, principal: Principal): Promise<KeyView> {
    const key = await this.keys.get(id, scopeOf(principal));
    if (key === undefined) throw notFound('key', id);
    return key;
  }
}
