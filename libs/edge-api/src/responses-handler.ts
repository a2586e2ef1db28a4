import { GatewayError, type KeyRecord } from '@switchboard/contracts';
import type { JsonObject } from '@switchboard/protocol';
import { mayUse } from './core/access';
import { inputItemsPage } from './core/input-items-page';
import type { Route } from './core/routes';
import type { EdgeContext } from './inference/edge-context';

/** `GET` and `DELETE /v1/responses/{id}`, and `GET …/input_items`: of the responses of the key's tenant. */
export class ResponsesHandler {
  constructor(private readonly edge: Pick<EdgeContext, 'responses'>) {}

  /** Rejects with a GatewayError. */
  answer(method: string | undefined, route: Route, key: KeyRecord, query: URLSearchParams): Promise<JsonObject> {
    const { name, responseId = '' } = route;
    if (name === 'input-items') return this.inputItems(key, responseId, query);
    return method === 'DELETE' ? this.remove(key, responseId) : this.show(key, responseId, query);
  }

  /** Rejects with a GatewayError. */
  async show(key: KeyRecord, id: string, query: URLSearchParams): Promise<JsonObject> {
    if (query.get('stream') === 'true') {
      throw new GatewayError('invalid_parameter', "Unsupported parameter: 'stream': a stored response has no stream.", {
        ...{ param: 'stream', openaiCode: 'unsupported_parameter' },
      });
    }
    return (await this.find(key, id)).response;
  }

  /** Rejects with a GatewayError. */
  async inputItems(key: KeyRecord, id: string, query: URLSearchParams): Promise<JsonObject> {
    const page = inputItemsPage((await this.find(key, id)).input, query);
    if (page instanceof GatewayError) throw page;
    return page;
  }

  /** Rejects with a GatewayError. */
  async remove(key: KeyRecord, id: string): Promise<JsonObject> {
    allow(key);
    if (!(await this.edge.responses.delete(key, id))) throw notFound(id);
    return { id, object: 'response', deleted: true };
  }

  private async find(key: KeyRecord, id: string) {
    allow(key);
    const found = await this.edge.responses.find(key, id);
    if (found === undefined) throw notFound(id);
    return found;
  }
}

function allow(key: KeyRecord): void {
  const denied = mayUse(key, 'llm');
  if (denied !== undefined) throw denied;
}

function notFound(id: string): GatewayError {
  return new GatewayError('response_not_found', `Response with id '${id}' not found.`, { param: 'id' });
}
