import { markdownTable } from '../markdown-table';
import type { PolicyDay } from './day';
import { FAULTS, PROVIDERS, type Fault } from './providers';
import { HOUR_MS } from './requests';

const MINUTE_MS = 60_000;

/** What each policy made of the whole day. */
export function dayTable(days: readonly PolicyDay[]): string {
  const byCost = days.at(-2)?.summary;
  const byLatency = days.at(-1)?.summary;
  const header = [
    ...['policy', 'failed', 'further attempts', 'cost', '× oracle'],
    ...['first token p50 / p95 / p99', 'whole reply p50 / p95', 'mean × oracle', 'sent to a dead one', 'switches/h'],
  ];
  const rows = days.map(({ policy, summary }) => {
    const { requests, failed, attempts, costUsd, firstTokenMs, wholeMs } = summary;
    return [
      ...[policy, `${failed}`, percent((attempts - requests) / requests), `$${costUsd.toFixed(2)}`],
      (costUsd / (byCost?.costUsd ?? Number.NaN)).toFixed(2),
      [firstTokenMs.p50, firstTokenMs.p95, firstTokenMs.p99].map(seconds).join(' / '),
      [wholeMs.p50, wholeMs.p95].map(seconds).join(' / '),
      (wholeMs.mean / (byLatency?.wholeMs.mean ?? Number.NaN)).toFixed(2),
      ...[percent(summary.sentToDownShare), summary.switchesPerHour.toFixed(1)],
    ];
  });
  return markdownTable(header, rows);
}

/** Who served what share. */
export function shareTable(days: readonly PolicyDay[]): string {
  const rows = days.map(({ policy, summary: { servedShare } }) => [policy, ...servedShare.map(percent)]);
  return markdownTable(['served by', ...PROVIDERS.map(({ id }) => id)], rows);
}

/** What each policy made of each fault: share sent there, errors, p99 of the first token. */
export function faultTable(days: readonly PolicyDay[]): string {
  const rows = FAULTS.map((fault, index) => [
    nameOf(fault),
    ...days.map(({ faults }) => {
      const found = faults[index];
      if (found === undefined) return '';
      const { requests, failed, sent, firstTokenMs } = found;
      return requests === 0 ? '–' : `${percent(sent / requests)}, ${failed}, ${seconds(firstTokenMs)}`;
    }),
  ]);
  return markdownTable(['while', ...days.map(({ policy }) => policy)], rows);
}

const FAULT_WORDS: Record<Fault['kind'], string> = {
  dead: 'refuses every connection',
  hung: 'hangs',
  slow: 'is 20 times slower',
  failing: 'fails 30 % with 500',
  flapping: 'is dead 20 s of every 40',
};

function nameOf({ provider, kind, fromMs, toMs }: Fault): string {
  return `${clock(fromMs)}–${clock(toMs)} ${provider} ${FAULT_WORDS[kind]}`;
}

function clock(ms: number): string {
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${pad(Math.floor(ms / HOUR_MS))}:${pad(Math.round((ms % HOUR_MS) / MINUTE_MS))}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
