import { Inject, Res } from '@nestjs/common';
import {
  LOGGED_CALL_COLUMNS,
  CALL_QUERIES,
  type CallLoggedV1,
  type CallQueries,
  callView,
  callWithPromptView,
  type CallWithPromptView,
  csvOf,
  InvalidCursorError,
} from '@switchboard/contracts';
import { z } from 'zod';
import { decide, isAllowedEverywhere } from './auth/permissions';
import type { Principal } from './auth/principal';
import { type CallQuery, callFilterOf, callQuerySchema, promptsSchema } from './core/call-query';
import { notFound } from './core/refusals';
import { requirePermission } from './http/access.guard';
import { endpoint, Handles } from './http/endpoint';
import type { HttpReply } from './http/exchange';
import { Input, type InputOf } from './http/input';
import { idParams, pageReply } from './http/page-query';
import { forbidden, unavailable } from './http/refusals';
import { callPageReply, callReply } from './http/replies/call-replies';
import { ApiController } from './http/routes';
import { tenantFilter } from './http/tenant-filter';
import { PromptReadings } from './services/prompt-readings';

const PROMPT_COLUMNS = [
  ...LOGGED_CALL_COLUMNS,
  'prompt',
  'promptTruncated',
] as const satisfies (keyof CallWithPromptView)[];

const target = { at: 'scope' } as const;

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listCalls', csv: true },
  summary:
    'Logged calls, the latest first. `prompts` is for owners, and audited. CSV names the next page in `x-next-cursor`.',
  ...{ permission: 'calls.read', target, query: callQuerySchema, reply: callPageReply },
});

const GET = endpoint({
  ...{ method: 'GET', path: ':id', operationId: 'getCall', summary: 'One logged call, by its request id.' },
  ...{ permission: 'calls.read', target, params: idParams, query: z.strictObject({ prompts: promptsSchema }) },
  reply: callReply,
});

@ApiController('calls')
export class CallsController {
  constructor(
    @Inject(CALL_QUERIES) private readonly queries: CallQueries,
    @Inject(PromptReadings) private readonly readings: PromptReadings,
  ) {}

  @Handles(LIST)
  async list(
    @Input() { query, principal }: InputOf<typeof LIST>,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<object | string> {
    const { tenantId } = tenantFilter(query.tenant, principal);
    const prompts = query.prompts === 'true';
    if (prompts) requirePrompts(principal, tenantId);
    const { calls, nextCursor } = await this.page(query, tenantId);
    if (prompts) await this.readings.audit(principal.actor, calls, query);
    const view = prompts ? callWithPromptView : callView;
    if (query.format === 'json') return pageReply({ data: calls.map(view), nextCursor });
    reply.header('content-type', 'text/csv; charset=utf-8');
    if (nextCursor !== undefined) reply.header('x-next-cursor', nextCursor);
    return prompts
      ? csvOf(PROMPT_COLUMNS, calls.map(callWithPromptView))
      : csvOf(LOGGED_CALL_COLUMNS, calls.map(callView));
  }

  @Handles(GET)
  async get(@Input() { params: { id }, query, principal }: InputOf<typeof GET>): Promise<object> {
    const call = await this.found(id, principal);
    if (query.prompts === 'false') return callView(call);
    requirePermission(principal, 'calls.prompts', call.tenantId);
    const whole = await answered(this.queries.get(id, { prompts: true }));
    if (whole === undefined) throw notFound('call', id);
    await this.readings.audit(principal.actor, [whole], query);
    return callWithPromptView(whole);
  }

  private page(query: CallQuery, tenantId: string | undefined) {
    const { limit, cursor, prompts } = query;
    const filter = { ...callFilterOf(query), tenantId };
    return answered(this.queries.list(filter, { limit, cursor, prompts: prompts === 'true' }));
  }

  /** Another tenant's call is as one that is not there. */
  private async found(id: string, principal: Principal): Promise<CallLoggedV1> {
    const call = await answered(this.queries.get(id));
    if (call === undefined || decide(principal, 'calls.read', call.tenantId) === 'hidden') throw notFound('call', id);
    requirePermission(principal, 'calls.read', call.tenantId);
    return call;
  }
}

function requirePrompts(principal: Principal, tenantId: string | undefined): void {
  if (tenantId !== undefined) requirePermission(principal, 'calls.prompts', tenantId);
  else if (!isAllowedEverywhere(principal, 'calls.prompts')) throw forbidden();
}

async function answered<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof InvalidCursorError) throw error;
    throw unavailable('calls_unavailable', 'The store of the call log does not answer; see the log.', error);
  }
}
