import { markdownTable } from '../markdown-table';
import { runLines, type RunDescription } from '../run-description';
import { median, ratioByRound, roundRatio, type Ratio } from '../statistics';

/** One line of apps/metering/src/measure-ingest.ts. */
export interface IngestRound {
  records: number;
  ingestMs: number;
  indexedMs: number;
  bareMs: number;
}

/** What is asked of ingest: half of what the table alone takes. */
const TARGET_RATIO = 0.5;

/** @throws TypeError when a line is none. */
export function parseRounds(output: string): IngestRound[] {
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const round = JSON.parse(line) as IngestRound;
    const whole = [round.records, round.ingestMs, round.indexedMs, round.bareMs].every(Number.isFinite);
    if (!whole) throw new TypeError(`no round: ${line}`);
    return round;
  });
}

/** Throughput of ingest over throughput of the insert, round by round. */
export function ratioTo(side: 'indexedMs' | 'bareMs', rounds: readonly IngestRound[]): Ratio {
  const times = (name: keyof IngestRound): number[] => rounds.map((round) => round[name]);
  return roundRatio(ratioByRound(times(side), times('ingestMs')));
}

export function ingestTable(rounds: readonly IngestRound[]): string {
  const perSecond = (name: 'ingestMs' | 'indexedMs' | 'bareMs'): string =>
    Math.round(median(rounds.map((round) => (round.records / round[name]) * 1_000))).toLocaleString('en-US');
  const shown = ({ median: middle, low, high }: Ratio): string[] => [`**${middle}**`, `${low}–${high}`];
  return markdownTable(
    ['side', 'events/s', 'ingest has', 'rounds from–to'],
    [
      ['ingest', perSecond('ingestMs')],
      ['insert, with the table’s indexes', perSecond('indexedMs'), ...shown(ratioTo('indexedMs', rounds))],
      ['insert, into a heap', perSecond('bareMs'), ...shown(ratioTo('bareMs', rounds))],
    ],
  );
}

export function ingestPage(description: RunDescription, rounds: readonly IngestRound[]): string {
  const reached = ratioTo('indexedMs', rounds).median >= TARGET_RATIO ? 'Reached' : 'Missed';
  const records = rounds[0]?.records.toLocaleString('en-US');
  return `# Ingest of usage

\`npm run bench:ingest\`: ${runLines(description)}.

${ingestTable(rounds)}

**Ingest** is all that a metering process does with a batch of 100 messages of 200 records: reading the messages, one
transaction with the rows, the ledger and the rollups, commit. **Insert** is \`INSERT … SELECT unnest(…)\` of the same rows from
arrays made beforehand, into a copy of the table without triggers; the copy has the same indexes, or none at all. ${rounds.length} rounds
of ${records} records each, sides in turn, on the embedded Postgres; ratios are of neighbours in time.

The target is ${TARGET_RATIO} of the insert with the same indexes, which any way to store the rows must keep. ${reached}.
`;
}
