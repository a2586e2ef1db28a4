import {
  type CallFilter,
  type CallLoggedV1,
  type CallPage,
  type CallQueries,
  InvalidCursorError,
} from '@switchboard/contracts';
import type { Prisma, PrismaClient } from '@switchboard/platform';

type CallRow = Omit<Prisma.LoggedCallGetPayload<object>, 'prompt'> & { prompt?: string | null };

interface Place {
  at: Date;
  requestId: string;
}

export class PostgresCallQueries implements CallQueries {
  /** `prisma`: or a transaction of it. */
  constructor(private readonly prisma: Pick<PrismaClient, 'loggedCall'>) {}

  async list(filter: CallFilter, page: { limit: number; cursor?: string; prompts?: boolean }): Promise<CallPage> {
    const rows: CallRow[] = await this.prisma.loggedCall.findMany({
      where: { AND: [whereOf(filter), page.cursor === undefined ? {} : before(placeOf(page.cursor))] },
      orderBy: [{ at: 'desc' }, { requestId: 'desc' }],
      // One more than asked: whether there is a next page.
      take: page.limit + 1,
      omit: { prompt: page.prompts !== true },
    });
    const shown = rows.slice(0, page.limit);
    const last = shown.at(-1);
    const calls = shown.map(callOf);
    return rows.length > page.limit && last !== undefined ? { calls, nextCursor: cursorOf(last) } : { calls };
  }

  async get(requestId: string, { prompts }: { prompts?: boolean } = {}): Promise<CallLoggedV1 | undefined> {
    const omit = { prompt: prompts !== true };
    const row: CallRow | null = await this.prisma.loggedCall.findUnique({ where: { requestId }, omit });
    return row === null ? undefined : callOf(row);
  }
}

function whereOf(filter: CallFilter): Prisma.LoggedCallWhereInput {
  const { tenantId, keyId, model, status, outcome, fromMs, toMs } = filter;
  return {
    ...{ tenantId, keyId, model, status, outcome },
    at: {
      gte: fromMs === undefined ? undefined : new Date(fromMs),
      lt: toMs === undefined ? undefined : new Date(toMs),
    },
  };
}

/** The first condition is all that an index needs; the second tells apart those of one millisecond. */
function before({ at, requestId }: Place): Prisma.LoggedCallWhereInput {
  return { at: { lte: at }, OR: [{ at: { lt: at } }, { requestId: { lt: requestId } }] };
}

function cursorOf({ at, requestId }: Place): string {
  return Buffer.from(`v1:${at.getTime()}:${requestId}`).toString('base64url');
}

function placeOf(cursor: string): Place {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const [, ms, requestId] = /^v1:(\d{1,15}):([^\0]+)$/s.exec(text) ?? [];
  const at = new Date(Number(ms));
  if (requestId === undefined || Number.isNaN(at.getTime())) throw new InvalidCursorError();
  return { at, requestId };
}

/** A stored row as the record it was. */
function callOf(row: CallRow): CallLoggedV1 {
  const { inputTokens, accuracy, costNanoUsd, prompt } = row;
  return {
    ...{ requestId: row.requestId, atMs: row.at.getTime(), tenantId: row.tenantId, keyId: row.keyId },
    ...{ endpoint: row.endpoint, clientDialect: row.clientDialect as CallLoggedV1['clientDialect'] },
    ...given({ clientRequestId: row.clientRequestId, requestedModel: row.requestedModel, model: row.model }),
    ...given({ upstream: row.upstream, stream: row.stream, firstTokenMs: row.firstTokenMs, userAgent: row.userAgent }),
    ...{ status: row.status, outcome: row.outcome, latencyMs: row.latencyMs, attempts: row.attempts, ip: row.ip },
    ...(inputTokens === null ? {} : { usage: usageOf(row, inputTokens) }),
    ...(costNanoUsd === null ? {} : { costNanoUsd: Number(costNanoUsd) }),
    ...(accuracy === null ? {} : { accuracy: accuracy as NonNullable<CallLoggedV1['accuracy']> }),
    ...(prompt === null || prompt === undefined
      ? {}
      : { prompt, ...(row.promptTruncated && { promptTruncated: true }) }),
  };
}

function usageOf(row: CallRow, inputTokens: bigint): NonNullable<CallLoggedV1['usage']> {
  return {
    inputTokens: Number(inputTokens),
    cacheReadTokens: Number(row.cacheReadTokens),
    cacheWrite5mTokens: Number(row.cacheWrite5mTokens),
    cacheWrite1hTokens: Number(row.cacheWrite1hTokens),
    outputTokens: Number(row.outputTokens),
    reasoningTokens: Number(row.reasoningTokens),
  };
}

type Given<T> = { [Field in keyof T]?: NonNullable<T[Field]> };

/** Without what is null. */
function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Given<T>;
}
