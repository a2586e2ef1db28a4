import { Inject, Res } from '@nestjs/common';
import {
  csvOf,
  InvalidCursorError,
  recordView,
  totalView,
  USAGE_QUERIES,
  USAGE_RECORD_COLUMNS,
  USAGE_TOTAL_COLUMNS,
  type UsageQueries,
  type UsageRecordView,
  type UsageTotalView,
} from '@switchboard/contracts';
import { type UsageQuery, usageQueryOf, usageQuerySchema } from './core/usage-query';
import { endpoint, Handles } from './http/endpoint';
import type { HttpReply } from './http/exchange';
import { Input, type InputOf } from './http/input';
import { unavailable } from './http/refusals';
import { usageReply } from './http/replies/record-replies';
import { ApiController } from './http/routes';
import { tenantFilter } from './http/tenant-filter';

type UsageAnswer =
  { data: UsageRecordView[]; nextCursor: string | null } | { data: UsageTotalView[]; truncated: boolean };

const USAGE = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listUsage', csv: true },
  summary:
    'Calls, the latest recorded first, or, with `groupBy`, their sums. CSV names the next page in `x-next-cursor`.',
  ...{ permission: 'usage.read', target: { at: 'scope' }, query: usageQuerySchema, reply: usageReply },
});

@ApiController('usage')
export class UsageController {
  constructor(@Inject(USAGE_QUERIES) private readonly queries: UsageQueries) {}

  @Handles(USAGE)
  async usage(
    @Input() { query, principal }: InputOf<typeof USAGE>,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<UsageAnswer | string> {
    const parsed = usageQueryOf(query);
    const answer = await this.answer({
      ...parsed,
      filter: { ...parsed.filter, ...tenantFilter(query.tenant, principal) },
    });
    if (parsed.format === 'json') return answer;
    reply.header('content-type', 'text/csv; charset=utf-8');
    if ('truncated' in answer) return csvOf(USAGE_TOTAL_COLUMNS, answer.data);
    if (answer.nextCursor !== null) reply.header('x-next-cursor', answer.nextCursor);
    return csvOf(USAGE_RECORD_COLUMNS, answer.data);
  }

  private async answer({ filter, groupBy, limit, cursor }: UsageQuery): Promise<UsageAnswer> {
    try {
      if (groupBy !== undefined) {
        const { totals, truncated } = await this.queries.totals(filter, groupBy, limit);
        return { data: totals.map(totalView), truncated };
      }
      const { records, nextCursor } = await this.queries.list(filter, { limit, cursor });
      return { data: records.map(recordView), nextCursor: nextCursor ?? null };
    } catch (error) {
      if (error instanceof InvalidCursorError) throw error;
      throw unavailable('usage_unavailable', 'The usage store does not answer; see the log.', error);
    }
  }
}
