import type { LedgerDifference, ReconciliationRecord } from '@switchboard/contracts';

export interface ReconciliationView {
  id: string;
  startedAt: string;
  finishedAt: string;
  balanced: boolean;
  differenceCount: number;
  /** The first 20. */
  differences: LedgerDifference[];
  counts: Record<string, number>;
  /** What was not stored yet; null: unknown. */
  stream: Record<string, number> | null;
}

export function reconciliationView(record: ReconciliationRecord): ReconciliationView {
  const { startedAtMs, finishedAtMs, stream, ...rest } = record;
  const [startedAt, finishedAt] = [startedAtMs, finishedAtMs].map((ms) => new Date(ms).toISOString()) as [
    string,
    string,
  ];
  return { ...rest, startedAt, finishedAt, stream: stream ?? null };
}
