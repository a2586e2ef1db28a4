import {
  AUDIT_COLUMNS,
  auditEntryView,
  type AuditEntryView,
  LOGGED_CALL_COLUMNS,
  callView,
  type CallView,
  type ExportFilter,
  type ExportKind,
  recordView,
  USAGE_RECORD_COLUMNS,
  type UsageRecordView,
} from '@switchboard/contracts';
import type { Prisma } from '@switchboard/platform';
import { PostgresCallQueries } from '../../calls/adapters/call-queries';
import { PostgresUsageQueries } from '../../adapters/usage-queries';

export interface SourceFilter extends ExportFilter {
  tenantId?: string;
}

export interface SourcePage<Row> {
  rows: Row[];
  /** Absent on the last page. */
  nextCursor?: string;
}

/** Where the rows of an export come from: as its list shows them, in that order. */
export interface ExportSource<Row extends object = object> {
  columns: readonly (keyof Row & string)[];
  page(
    tx: Prisma.TransactionClient,
    filter: SourceFilter,
    page: { limit: number; cursor?: string },
  ): Promise<SourcePage<Row>>;
}

const usage: ExportSource<UsageRecordView> = {
  columns: USAGE_RECORD_COLUMNS,
  page: async (tx, filter, page) => {
    const { records, nextCursor } = await new PostgresUsageQueries(tx).list(filter, page);
    return { rows: records.map(recordView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  },
};

/** Without prompts: each reading of those is an act of its own. */
const calls: ExportSource<CallView> = {
  columns: LOGGED_CALL_COLUMNS,
  page: async (tx, filter, page) => {
    const { calls: found, nextCursor } = await new PostgresCallQueries(tx).list(filter, page);
    return { rows: found.map(callView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  },
};

/** The admin API's table, in the same database. */
const audit: ExportSource<AuditEntryView> = {
  columns: AUDIT_COLUMNS,
  page: async (tx, { tenantId, fromMs, toMs }, { limit, cursor }) => {
    const found = await tx.auditEntry.findMany({
      where: {
        ...{ tenantId, at: { gte: new Date(fromMs), lt: new Date(toMs) } },
        ...(cursor === undefined ? {} : { id: { lt: cursor } }),
      },
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    const isLast = found.length <= limit || last === undefined;
    return { rows: shown.map(auditEntryView), ...(isLast ? {} : { nextCursor: last.id }) };
  },
};

export const EXPORT_SOURCES: Readonly<Record<ExportKind, ExportSource>> = {
  usage: usage as ExportSource,
  calls: calls as ExportSource,
  audit: audit as ExportSource,
};
