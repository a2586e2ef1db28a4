import { Inject } from '@nestjs/common';
import { modelCreateInput, modelUpdateInput } from './core/inputs/model-input';
import { notFound } from './core/refusals';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { idParams, pageQuery, pageReply } from './http/page-query';
import { modelPageReply, modelReply, pricePageReply } from './http/replies/catalog-replies';
import { deletedReply } from './http/replies/reply-registry';
import { ApiController } from './http/routes';
import { Mutations } from './services/mutations';
import { Models } from './services/models';

const read = { permission: 'model.read', target: { at: 'platform' } } as const;
const write = { permission: 'model.write', target: { at: 'platform' } } as const;

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listModels', summary: 'The models, in listing order.' },
  ...{ ...read, query: pageQuery, reply: modelPageReply },
});

const CREATE = endpoint({
  ...{
    method: 'POST',
    path: '',
    operationId: 'createModel',
    summary: 'Adds a model; of a built-in one everything but the id may be left out.',
  },
  ...{ ...write, body: modelCreateInput, reply: modelReply, status: 201 },
});

const GET = endpoint({
  ...{ method: 'GET', path: '*', operationId: 'getModel', summary: 'One model; the slashes of its id encoded or not.' },
  ...{ ...read, params: idParams, reply: modelReply },
});

const PRICES = endpoint({
  ...{ method: 'GET', path: ':id/prices', operationId: 'listModelPrices' },
  summary: 'Every price version of a model, the latest written first; the slashes of its id encoded.',
  ...{ ...read, params: idParams, query: pageQuery, reply: pricePageReply },
});

const UPDATE = endpoint({
  ...{
    method: 'PATCH',
    path: '*',
    operationId: 'updateModel',
    summary: 'Changes what is given; null takes away. Prices change now, or when they say.',
  },
  ...{ ...write, params: idParams, body: modelUpdateInput, reply: modelReply },
});

const REMOVE = endpoint({
  ...{ method: 'DELETE', path: '*', operationId: 'deleteModel', summary: 'Removes a model.' },
  ...{ ...write, params: idParams, reply: deletedReply },
});

@ApiController('models')
export class ModelsController {
  constructor(
    @Inject(Models) private readonly models: Models,
    @Inject(Mutations) private readonly mutations: Mutations,
  ) {}

  @Handles(LIST)
  async list(@Input() { query }: InputOf<typeof LIST>) {
    return pageReply(await this.models.list(query));
  }

  @Handles(CREATE)
  create(@Input() input: InputOf<typeof CREATE>) {
    return mutate(this.mutations, CREATE, input, (change) => this.models.create(change, input.body));
  }

  @Handles(GET)
  async get(@Input() { params: { id } }: InputOf<typeof GET>) {
    const model = await this.models.get(id);
    if (model === undefined) throw notFound('model', id);
    return model;
  }

  @Handles(PRICES)
  async prices(@Input() { params: { id }, query }: InputOf<typeof PRICES>) {
    return pageReply(await this.models.prices(id, query));
  }

  @Handles(UPDATE)
  update(@Input() input: InputOf<typeof UPDATE>) {
    const { params, body } = input;
    return mutate(this.mutations, UPDATE, input, (change) => this.models.update(change, params.id, body));
  }

  @Handles(REMOVE)
  remove(@Input() input: InputOf<typeof REMOVE>) {
    const { id } = input.params;
    return mutate(this.mutations, REMOVE, input, async (change) => {
      await this.models.remove(change, id);
      return { id, deleted: true };
    });
  }
}
