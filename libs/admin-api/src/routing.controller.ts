import { Inject } from '@nestjs/common';
import {
  BusUnavailableError,
  type ExplanationV1,
  RemoteError,
  ROUTING_EXPLAINER,
  type RoutingExplainer,
} from '@switchboard/contracts';
import { z } from 'zod';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { unavailable } from './http/refusals';
import { explanationReply } from './http/replies/catalog-replies';
import { ApiController } from './http/routes';

const EXPLAIN = endpoint({
  ...{ method: 'GET', path: 'explain', operationId: 'explainRouting' },
  summary: 'Where a call for a model, an alias or `auto` would go now, and why.',
  ...{ permission: 'routing.explain', target: { at: 'platform' }, reply: explanationReply },
  query: z.strictObject({ model: z.string('give one model').min(1).max(200) }),
});

@ApiController('routing')
export class RoutingController {
  constructor(@Inject(ROUTING_EXPLAINER) private readonly explainer: RoutingExplainer) {}

  @Handles(EXPLAIN)
  async explain(@Input() { query }: InputOf<typeof EXPLAIN>): Promise<ExplanationV1> {
    try {
      return await this.explainer.explain(query);
    } catch (error) {
      if (!(error instanceof BusUnavailableError) && !(error instanceof RemoteError)) throw error;
      throw unavailable('router_unavailable', 'The router does not answer.', error);
    }
  }
}
