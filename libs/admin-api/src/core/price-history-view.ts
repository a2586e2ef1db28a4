import { priceAt, type PriceSchedule, type PriceVersion } from '@switchboard/contracts';
import { priceVersionView, type PriceVersionView } from './model-view';

export interface PriceHistoryView extends PriceVersionView {
  /** `withdrawn`: not in the model's schedule any more, for it was replaced before its time, or the model removed. */
  state: 'past' | 'current' | 'scheduled' | 'withdrawn';
  createdAt: string;
  actor: string;
}

/** `pricing`: the model's schedule; absent: it is gone. */
export function priceHistoryView(
  written: PriceVersion & { createdAt: Date; actor: string },
  pricing: PriceSchedule | undefined,
  nowMs: number,
): PriceHistoryView {
  const { createdAt, actor } = written;
  const state = stateOf(written, pricing, nowMs);
  return { ...priceVersionView(written), state, createdAt: createdAt.toISOString(), actor };
}

function stateOf(written: PriceVersion, pricing: PriceSchedule | undefined, nowMs: number): PriceHistoryView['state'] {
  if (pricing?.some(({ version }) => version === written.version) !== true) return 'withdrawn';
  if (priceAt({ pricing }, nowMs).version === written.version) return 'current';
  return written.effectiveFromMs > nowMs ? 'scheduled' : 'past';
}
