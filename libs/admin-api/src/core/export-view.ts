import type { ExportFilter, ExportFormat, ExportKind, ExportState } from '@switchboard/contracts';

export interface ExportView {
  id: string;
  kind: ExportKind;
  format: ExportFormat;
  /** Null: of all tenants. */
  tenant: string | null;
  key: string | null;
  model: string | null;
  from: string;
  to: string;
  state: ExportState;
  /** So far, as `bytes`. */
  rows: number;
  /** Compressed. */
  bytes: number;
  /** Why it failed. */
  error: string | null;
  createdAt: string;
  finishedAt: string | null;
  /** From then on it is gone; null while it is not finished. */
  expiresAt: string | null;
}

/** A row of `exports`. */
export interface ExportRow {
  id: string;
  tenantId: string | null;
  kind: string;
  format: string;
  filter: unknown;
  state: string;
  rows: bigint;
  bytes: bigint;
  error: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  expiresAt: Date | null;
}

export function exportView(row: ExportRow): ExportView {
  const { keyId, model, fromMs, toMs } = row.filter as ExportFilter;
  return {
    ...{ id: row.id, kind: row.kind as ExportKind, format: row.format as ExportFormat, tenant: row.tenantId },
    ...{ key: keyId ?? null, model: model ?? null },
    ...{ from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() },
    ...{ state: row.state as ExportState, rows: Number(row.rows), bytes: Number(row.bytes), error: row.error },
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
  };
}
