import type { HistogramV1, OutcomeClass, UpstreamOutcomesV1 } from '@switchboard/contracts';
import { addHistogram, countOf, isFailure, quantile } from '@switchboard/upstreams';

export const WINDOW_SECONDS = 10;

export type OutcomeCounts = Partial<Record<OutcomeClass, number>>;

interface Slot {
  second: number;
  counts: OutcomeCounts;
  /** Calls that turned late. */
  late: number;
  firstTokenMs: HistogramV1;
}

export interface WindowSum {
  ok: number;
  failed: number;
  late: number;
  counts: OutcomeCounts;
}

/**
 * What calls to one upstream came to within the last ten seconds, at all edges. Time is any clock in milliseconds that
 * never goes back.
 */
export class OutcomeWindow {
  /** Of everything since the start, to tell what came since a moment. */
  readonly totals = { ok: 0, failed: 0, late: 0 };
  private slots: Slot[] = [];

  add(
    nowMs: number,
    { counts, firstTokenMs }: Pick<UpstreamOutcomesV1, 'counts' | 'firstTokenMs'>,
    late: number,
  ): void {
    const slot = this.slotAt(nowMs);
    addCounts(slot.counts, counts);
    addHistogram(slot.firstTokenMs, firstTokenMs);
    slot.late += late;
    this.totals.ok += counts.ok ?? 0;
    this.totals.failed += failedOf(counts);
    this.totals.late += late;
  }

  /** Of the last so many seconds, without the second of `sinceMs` and what was before it. */
  sum(nowMs: number, seconds: number, sinceMs = -Infinity): WindowSum {
    const counts: OutcomeCounts = {};
    let late = 0;
    for (const slot of this.last(nowMs, seconds, sinceMs)) {
      addCounts(counts, slot.counts);
      late += slot.late;
    }
    return { ok: counts.ok ?? 0, failed: failedOf(counts), late, counts };
  }

  /** Milliseconds; undefined: there are fewer than `samplesLeast`. */
  medianFirstTokenMs(
    nowMs: number,
    { seconds, sinceMs = -Infinity, samplesLeast }: { seconds: number; sinceMs?: number; samplesLeast: number },
  ): number | undefined {
    const histogram: HistogramV1 = {};
    for (const slot of this.last(nowMs, seconds, sinceMs)) addHistogram(histogram, slot.firstTokenMs);
    return countOf(histogram) < samplesLeast ? undefined : quantile(histogram, 0.5);
  }

  private last(nowMs: number, seconds: number, sinceMs: number): Slot[] {
    const first = Math.max(Math.floor(nowMs / 1000) - seconds, Math.floor(sinceMs / 1000));
    return this.slots.filter(({ second }) => second > first);
  }

  private slotAt(nowMs: number): Slot {
    const second = Math.floor(nowMs / 1000);
    const present = this.slots.at(-1);
    if (present !== undefined && present.second >= second) return present;
    const slot: Slot = { second, counts: {}, late: 0, firstTokenMs: {} };
    this.slots = this.slots.filter((each) => each.second > second - WINDOW_SECONDS);
    this.slots.push(slot);
    return slot;
  }
}

function addCounts(counts: OutcomeCounts, more: OutcomeCounts): void {
  for (const [outcome, count] of Object.entries(more) as [OutcomeClass, number][]) {
    counts[outcome] = (counts[outcome] ?? 0) + count;
  }
}

function failedOf(counts: OutcomeCounts): number {
  let failed = 0;
  for (const [outcome, count] of Object.entries(counts) as [OutcomeClass, number][]) {
    if (isFailure(outcome)) failed += count;
  }
  return failed;
}
