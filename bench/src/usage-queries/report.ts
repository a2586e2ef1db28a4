import { markdownTable } from '../markdown-table';
import { runLines, type RunDescription } from '../run-description';
import { percentile } from '../statistics';

/** One line of apps/metering/src/measure-usage-queries.ts. */
export interface QueryTimes {
  scope: string;
  range: string;
  groupBy: string;
  groups: number;
  tookMs: number[];
}

/** What a person who looks at a dashboard does not notice. */
const TARGET_MS = 50;

/** @throws TypeError when a line is none. */
export function parseQueryTimes(output: string): QueryTimes[] {
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const times = JSON.parse(line) as Partial<QueryTimes>;
    const { scope, range, groupBy, groups, tookMs } = times;
    const named = [scope, range, groupBy].every((name) => typeof name === 'string');
    if (!named || !Number.isInteger(groups) || !Array.isArray(tookMs) || !tookMs.every(Number.isFinite)) {
      throw new TypeError(`no times: ${line}`);
    }
    return times as QueryTimes;
  });
}

/** What is above the target is bold. */
export function queriesTable(times: readonly QueryTimes[]): string {
  const shown = (ms: number): string => (ms > TARGET_MS ? `**${ms.toFixed(1)}**` : ms.toFixed(1));
  return markdownTable(
    ['of', 'range', 'by', 'groups', 'p50 ms', 'p99 ms'],
    times.map(({ scope, range, groupBy, groups, tookMs }) => [
      ...[scope, range, groupBy, groups.toLocaleString('en-US')],
      ...[0.5, 0.99].map((share) => shown(percentile(tookMs, share))),
    ]),
  );
}

/** The questions whose median is above the target. */
export function above(times: readonly QueryTimes[]): string[] {
  return times
    .filter(({ tookMs }) => percentile(tookMs, 0.5) > TARGET_MS)
    .map(({ scope, range, groupBy }) => `${scope}, ${range}, by ${groupBy}`);
}

export function queriesPage(description: RunDescription, rows: number, times: readonly QueryTimes[]): string {
  const missed = above(times);
  const verdict = missed.length === 0 ? 'Reached by each.' : `Missed by ${missed.join('; ')}.`;
  return `# Questions about usage

\`npm run bench:usage-queries\`: ${runLines(description)}.

${queriesTable(times)}

${rows.toLocaleString('en-US')} calls of 90 days, by 2,000 keys of 200 tenants, of which a tenth makes 40 % of the calls, to 20 models on 6
upstreams, on the embedded Postgres as it is installed. **One tenant** is the busiest. Ranges but \`all\` begin and end about
noon, within an hour: as far from whole days and hours as can be. Each question is asked ${times[0]?.tookMs.length ?? 0} times of the port that the admin API
asks, after once that is not counted, for the first 1,000 groups; with so few the p99 is the slowest.

The target is ${TARGET_MS} ms at the median. ${verdict}
`;
}
