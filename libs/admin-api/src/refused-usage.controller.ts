import { Inject } from '@nestjs/common';
import {
  BusUnavailableError,
  REFUSED_USAGE,
  type RefusedUsage,
  type RefusedUsageRecord,
  RemoteError,
} from '@switchboard/contracts';
import { z } from 'zod';
import { notFound } from './core/refusals';
import { type RefusedUsageView, refusedUsageView } from './core/refused-usage-view';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { idParams, pageReply, pageShape } from './http/page-query';
import { unavailable } from './http/refusals';
import { refusedUsagePageReply, refusedUsageReply } from './http/replies/record-replies';
import { ApiController } from './http/routes';
import { Mutations } from './services/mutations';

const target = { at: 'platform' } as const;
const read = { permission: 'refused-usage.read', target } as const;
const decided = { permission: 'refused-usage.decide', target, params: idParams, reply: refusedUsageReply } as const;

const stateSchema = z.enum(['waiting', 'replayed', 'dismissed']);

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listRefusedUsage' },
  summary: 'Usage that could not be billed as it came, the latest first.',
  ...{ ...read, query: z.strictObject({ ...pageShape, state: stateSchema.optional() }), reply: refusedUsagePageReply },
});

const GET = endpoint({
  ...{ method: 'GET', path: ':id', operationId: 'getRefusedUsage', summary: 'One of it, whole.' },
  ...{ ...read, params: idParams, reply: refusedUsageReply },
});

const REPLAY = endpoint({
  ...{ method: 'POST', path: ':id/replay', operationId: 'replayRefusedUsage', ...decided },
  summary: 'Takes it in again: it is billed a moment later, or refused anew and waits again.',
});

const DISMISS = endpoint({
  ...{ method: 'POST', path: ':id/dismiss', operationId: 'dismissRefusedUsage', ...decided },
  summary: 'It is never billed, and kept.',
});

@ApiController('usage/refused')
export class RefusedUsageController {
  constructor(
    @Inject(REFUSED_USAGE) private readonly refused: RefusedUsage,
    @Inject(Mutations) private readonly mutations: Mutations,
  ) {}

  @Handles(LIST)
  async list(@Input() { query: { state, ...page } }: InputOf<typeof LIST>) {
    const { records, nextCursor } = await this.refused.list({ state }, page);
    return pageReply({ data: records.map(refusedUsageView), nextCursor });
  }

  @Handles(GET)
  async get(@Input() { params: { id } }: InputOf<typeof GET>): Promise<RefusedUsageView> {
    return refusedUsageView(required(await this.refused.find(id), id));
  }

  @Handles(REPLAY)
  replay(@Input() input: InputOf<typeof REPLAY>) {
    return this.decide(REPLAY, input, 'replay', (id) => this.refused.replay(id).catch(rethrown));
  }

  @Handles(DISMISS)
  dismiss(@Input() input: InputOf<typeof DISMISS>) {
    return this.decide(DISMISS, input, 'dismiss', (id) => this.refused.dismiss(id));
  }

  /** Outside the mutation's own transaction, since it is metering's to do: the audit says what was asked for. */
  private decide(
    definition: typeof REPLAY,
    input: InputOf<typeof REPLAY>,
    action: 'replay' | 'dismiss',
    work: (id: string) => Promise<RefusedUsageRecord | undefined>,
  ) {
    const { id } = input.params;
    return mutate(this.mutations, definition, input, async (change) => {
      const before = refusedUsageView(required(await this.refused.find(id), id));
      const after = refusedUsageView(required(await work(id), id));
      const { payload: _whole, ...audited } = after;
      const record = { action: `refused-usage.${action}`, resourceType: 'refused-usage', resourceId: id } as const;
      change.audit({ ...record, before: { state: before.state }, after: audited });
      return after;
    });
  }
}

function required(record: RefusedUsageRecord | undefined, id: string): RefusedUsageRecord {
  if (record === undefined) throw notFound('refused-usage', id);
  return record;
}

function rethrown(error: unknown): never {
  if (!(error instanceof BusUnavailableError) && !(error instanceof RemoteError)) throw error;
  throw unavailable(
    'bus_unavailable',
    'The usage stream does not answer; try again, which bills nothing twice.',
    error,
  );
}
