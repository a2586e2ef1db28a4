import { Controller, Get, Inject, Query, Res, UseGuards } from '@nestjs/common';
import { InvalidCursorError, USAGE_QUERIES, type UsageQueries } from '@switchboard/contracts';
import { AdminTokenGuard } from './admin-token.guard';
import { AdminError } from './core/admin-error';
import { csvOf } from './core/csv';
import { parseUsageQuery, type UsageQuery } from './core/usage-query';
import { recordView, totalView, type UsageRecordView, type UsageTotalView } from './core/usage-view';
import { ADMIN_OPTIONS, type AdminApiOptions } from './options';

interface Reply {
  header(name: string, value: string): unknown;
}

type UsageAnswer =
  { data: UsageRecordView[]; nextCursor: string | null } | { data: UsageTotalView[]; truncated: boolean };

const RECORD_COLUMNS = [
  'requestId',
  'startedAt',
  'tenant',
  'key',
  'requestedModel',
  'model',
  'upstream',
  'clientDialect',
  'upstreamDialect',
  'stream',
  'inputTokens',
  'cacheReadTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'outputTokens',
  'reasoningTokens',
  'costUsd',
  'accuracy',
  'firstTokenMs',
  'latencyMs',
  'attempts',
  'finish',
  'status',
  'losses',
  'endUser',
  'clientRequestId',
] as const satisfies (keyof UsageRecordView)[];

const TOTAL_COLUMNS = [
  'group',
  'requests',
  'inputTokens',
  'cacheReadTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'outputTokens',
  'reasoningTokens',
  'costUsd',
] as const satisfies (keyof UsageTotalView)[];

/**
 * `GET /api/v1/usage?tenant&key&model&from&to&limit&cursor&format` lists calls, the latest recorded first;
 * with `groupBy=key|model|upstream|hour|day` it adds them up. A CSV page names the next one in `x-next-cursor`.
 */
@Controller('api/v1/usage')
@UseGuards(AdminTokenGuard)
export class UsageController {
  constructor(
    @Inject(USAGE_QUERIES) private readonly queries: UsageQueries,
    @Inject(ADMIN_OPTIONS) private readonly options: AdminApiOptions,
  ) {}

  @Get()
  async usage(@Query() query: unknown, @Res({ passthrough: true }) reply: Reply): Promise<UsageAnswer | string> {
    const parsed = parseUsageQuery(query);
    const answer = await this.answer(parsed);
    if (parsed.format === 'json') return answer;
    reply.header('content-type', 'text/csv; charset=utf-8');
    if ('truncated' in answer) return csvOf(TOTAL_COLUMNS, answer.data);
    if (answer.nextCursor !== null) reply.header('x-next-cursor', answer.nextCursor);
    return csvOf(RECORD_COLUMNS, answer.data);
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
      if (error instanceof InvalidCursorError) {
        const faults = [{ path: 'cursor', message: error.message }];
        throw new AdminError(400, 'invalid_query', 'the query has faults', { faults, cause: error });
      }
      this.options.logger.error({ err: error }, 'a usage query failed');
      throw new AdminError(503, 'usage_unavailable', 'The usage store does not answer; see the log.', { cause: error });
    }
  }
}
