import type { UsageFilter, UsageGrouping } from '@switchboard/contracts';

/** From `fromMs` on, before `toMs`; where absent, without end. */
export interface Span {
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

/** A table of sums, or the calls themselves, and what of it is asked. */
export interface Part extends Span {
  source: 'calls' | 'rollups' | 'by_day' | 'by_key_day' | 'by_model_hour';
  /** It is taken out of the other parts, which hold it too. */
  taken?: true;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * What a question is summed up from: together all that was asked for, once. Whole days come from the coarsest sums that know
 * what is asked, hours beside them from finer ones, what begins or ends within an hour from the calls.
 */
export function totalsPlan(filter: UsageFilter, groupBy: UsageGrouping): Part[] {
  const { within, around } = wholeHours(filter);
  const calls = around.map((span): Part => ({ source: 'calls', ...span }));
  return within === undefined ? calls : [...hoursPlan(filter, groupBy, within), ...calls];
}

function hoursPlan(filter: UsageFilter, groupBy: UsageGrouping, hours: Span): Part[] {
  const oneCaller = filter.tenantId !== undefined || filter.keyId !== undefined;
  const byCaller = groupBy === 'tenant' || groupBy === 'key';
  if (!oneCaller && !byCaller) return [{ source: 'by_model_hour', ...hours }];
  const { days, beside } = nearestDays(hours);
  if (groupBy === 'hour' || days === undefined) return [{ source: 'rollups', ...hours }];
  const knowsModels = filter.model !== undefined || groupBy === 'model' || groupBy === 'upstream';
  // Of one tenant or key there is little anyway, and an index that finds it.
  return [{ source: oneCaller || knowsModels ? 'by_day' : 'by_key_day', ...days }, ...beside];
}

/** The whole hours of a span, undefined where it has none, and what is around them. */
function wholeHours({ fromMs, toMs }: Span): { within: Span | undefined; around: Span[] } {
  const firstMs = fromMs === undefined ? undefined : Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
  const lastMs = toMs === undefined ? undefined : Math.floor(toMs / HOUR_MS) * HOUR_MS;
  if (firstMs !== undefined && lastMs !== undefined && firstMs >= lastMs) {
    return { within: undefined, around: [{ fromMs, toMs }] };
  }
  const around: Span[] = [];
  if (fromMs !== firstMs) around.push({ fromMs, toMs: firstMs });
  if (toMs !== lastMs) around.push({ fromMs: lastMs, toMs });
  return { within: { fromMs: firstMs, toMs: lastMs }, around };
}

/**
 * Whole days that begin and end nearest to a span, and the hours between: put in, or taken out of a day that is more than is
 * asked for, so that at each end there are twelve at most. No days where the span itself has fewer hours than that leaves.
 */
function nearestDays({ fromMs, toMs }: Span): { days: Span | undefined; beside: Part[] } {
  const firstMs = fromMs === undefined ? undefined : Math.round(fromMs / DAY_MS) * DAY_MS;
  const lastMs = toMs === undefined ? undefined : Math.round(toMs / DAY_MS) * DAY_MS;
  const beside: Part[] = [];
  if (fromMs !== undefined && firstMs !== undefined) beside.push(...between(fromMs, firstMs));
  if (toMs !== undefined && lastMs !== undefined) beside.push(...between(lastMs, toMs));
  const besideMs = beside.reduce((sum, part) => sum + (part.toMs ?? 0) - (part.fromMs ?? 0), 0);
  const spanMs = (toMs ?? Infinity) - (fromMs ?? -Infinity);
  return { days: besideMs < spanMs ? { fromMs: firstMs, toMs: lastMs } : undefined, beside };
}

/** The hours from one time to another; taken out where they are the wrong way round. */
function between(fromMs: number, toMs: number): Part[] {
  if (fromMs === toMs) return [];
  if (fromMs < toMs) return [{ source: 'rollups', fromMs, toMs }];
  return [{ source: 'rollups', fromMs: toMs, toMs: fromMs, taken: true }];
}
