import { Inject } from '@nestjs/common';
import { providerCreateInput, providerUpdateInput } from './core/inputs/provider-input';
import { notFound } from './core/refusals';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { idParams, pageQuery, pageReply } from './http/page-query';
import { providerPageReply, providerReply } from './http/replies/catalog-replies';
import { deletedReply } from './http/replies/reply-registry';
import { ApiController } from './http/routes';
import { Mutations } from './services/mutations';
import { Providers } from './services/providers';

const read = { permission: 'provider.read', target: { at: 'platform' } } as const;
const write = { permission: 'provider.write', target: { at: 'platform' } } as const;

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listProviders', summary: 'The providers, by id, without credentials.' },
  ...{ ...read, query: pageQuery, reply: providerPageReply },
});

const CREATE = endpoint({
  ...{ method: 'POST', path: '', operationId: 'createProvider', summary: 'Adds a provider; its credential is sealed.' },
  ...{ ...write, body: providerCreateInput, reply: providerReply, status: 201 },
});

const GET = endpoint({
  ...{ method: 'GET', path: ':id', operationId: 'getProvider', summary: 'One provider, without its credential.' },
  ...{ ...read, params: idParams, reply: providerReply },
});

const UPDATE = endpoint({
  ...{
    method: 'PATCH',
    path: ':id',
    operationId: 'updateProvider',
    summary: 'Changes what is given; null takes away.',
  },
  ...{ ...write, params: idParams, body: providerUpdateInput, reply: providerReply },
});

const REMOVE = endpoint({
  ...{ method: 'DELETE', path: ':id', operationId: 'deleteProvider', summary: 'Removes a provider.' },
  ...{ ...write, params: idParams, reply: deletedReply },
});

@ApiController('providers')
export class ProvidersController {
  constructor(
    @Inject(Providers) private readonly providers: Providers,
    @Inject(Mutations) private readonly mutations: Mutations,
  ) {}

  @Handles(LIST)
  async list(@Input() { query }: InputOf<typeof LIST>) {
    return pageReply(await this.providers.list(query));
  }

  @Handles(CREATE)
  create(@Input() input: InputOf<typeof CREATE>) {
    return mutate(this.mutations, CREATE, input, (change) => this.providers.create(change, input.body));
  }

  @Handles(GET)
  async get(@Input() { params: { id } }: InputOf<typeof GET>) {
    const provider = await this.providers.get(id);
    if (provider === undefined) throw notFound('provider', id);
    return provider;
  }

  @Handles(UPDATE)
  update(@Input() input: InputOf<typeof UPDATE>) {
    const { params, body } = input;
    return mutate(this.mutations, UPDATE, input, (change) => this.providers.update(change, params.id, body));
  }

  @Handles(REMOVE)
  remove(@Input() input: InputOf<typeof REMOVE>) {
    const { id } = input.params;
    return mutate(this.mutations, REMOVE, input, async (change) => {
      await this.providers.remove(change, id);
      return { id, deleted: true };
    });
  }
}
