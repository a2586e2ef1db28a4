import { percent, seconds } from '../failover/evaluate';
import { markdownTable } from '../failover/markdown-table';
import type { DayFigures, DayOptions } from './compare';
import { INPUT_TOKENS, OUTPUT_TOKENS } from './requests';
import { HOUR_MS, PROVIDERS, type Incident } from './providers';

export function dayTable(days: readonly DayFigures[]): string {
  const leastCost = Math.min(...days.map(({ nanoUsd }) => nanoUsd));
  const leastMs = Math.min(...days.map(({ total }) => total.meanMs));
  const head = [
    '',
    'failed',
    'cost (USD)',
    '× least',
    'first token p50, p99',
    'whole reply: mean',
    '× least',
    'p99',
    'calls',
  ];
  const rows = days.map(({ way, failed, nanoUsd, firstToken, total, attempts }) => [
    ...[way, String(failed), (nanoUsd / 1e9).toFixed(2), (nanoUsd / leastCost).toFixed(2)],
    ...[`${seconds(firstToken.p50Ms)}, ${seconds(firstToken.p99Ms)}`, seconds(total.meanMs)],
    ...[(total.meanMs / leastMs).toFixed(2), seconds(total.p99Ms), attempts.toFixed(3)],
  ]);
  const shares = days.map(({ way, shares: each }) => [way, ...each.map(percent)]);
  return `${markdownTable(head, rows)}

Who answered:

${markdownTable(['', ...PROVIDERS.map(({ id }) => id)], shares)}`;
}

export function dayPage({ requests, seed }: DayOptions, days: readonly DayFigures[]): string {
  return `# A simulated day

\`npm run simulated-day\`: ${requests.toLocaleString('en-US')} requests, seed ${seed}, in virtual time: the same seed makes
the same day.

${dayTable(days)}

Every way of routing meets the same requests, at the same moments, with the same luck at each provider. The three \`auto\` are
the gateway's own code: breakers, health, ranks, the pick and the retry budget, as an edge puts them together, with the figures that
routers make of its outcomes. \`auto:fastest\` shares its calls with those that nobody has asked yet, until they are measured. An
**oracle** knows what would come of asking each provider, and asks the best; \`round-robin\` asks each in turn and, where one
fails, the next. **× least** is against the best of the column. **Calls** are to providers, per request.

Five providers, of which any will do; most requests come at 14:00, a seventh of that at night. In the median a request has
${INPUT_TOKENS.median} tokens of input and ${OUTPUT_TOKENS.median} of output. Calls beyond what a provider has room for take longer at it.

${markdownTable(
  [
    'provider',
    'tier',
    'first token',
    'tokens/s',
    'room',
    'USD per million tokens, input and output',
    'what goes wrong',
  ],
  PROVIDERS.map((provider) => [
    ...[provider.id, String(provider.tier), `${provider.firstTokenMs} ms`, String(provider.tokensPerSecond)],
    ...[String(provider.capacity), pricesOf(provider.pricing), provider.incidents.map(told).join('; ')],
  ]),
)}
`;
}

function pricesOf(pricing: (typeof PROVIDERS)[number]['pricing']): string {
  return pricing
    .map(({ effectiveFromMs, prices: { input, output } }, index) => {
      const from = index === 0 ? '' : `from ${clock(effectiveFromMs)} `;
      return `${from}${input / 1e6} and ${output / 1e6}`;
    })
    .join(', ');
}

function told(incident: Incident): string {
  return `${clock(incident.fromMs)}–${clock(incident.toMs)} ${whatOf(incident)}`;
}

function whatOf(incident: Incident): string {
  switch (incident.kind) {
    case 'refuses':
      return 'refuses connections';
    case 'hangs':
      return 'hangs';
    case 'fails':
      return `${100 * incident.share} % 500`;
    case 'limits':
      return `${100 * incident.share} % 429`;
    case 'slow':
      return `${incident.times} × slower`;
  }
}

function clock(ms: number): string {
  const minutes = Math.round((60 * ms) / HOUR_MS);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
