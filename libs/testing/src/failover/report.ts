import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { percent, seconds, type FaultFigures, type Latency, type OutageFigures, type Told } from './evaluate';
import { markdownTable } from './markdown-table';
import type { FailoverOptions } from './options';
import type { FailoverResult } from './run-failover';

const SHOWN_ERRORS_MOST = 4;
/** A load that is later than this waited for the machine, and so did everything else: what it shows is not the gateway. */
const LATENESS_MS_MOST = 50;

/** What a reader of figures has to know to judge them. */
export interface RunDescription {
  /** RFC 3339. */
  startedAt: string;
  commit: string;
  node: string;
  cpu: string;
  /** Load average of the last minute: what else the machine was doing. */
  loadBefore: string;
}

export function describeRun(): RunDescription {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: __dirname, encoding: 'utf8' });
  return {
    startedAt: new Date().toISOString(),
    commit: commit.status === 0 ? commit.stdout.trim() : 'unknown',
    node: process.versions.node,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`,
    loadBefore: (loadavg()[0] ?? 0).toFixed(2),
  };
}

/** All that was found, for people. */
export function tablesOf({ faults, outages, latenessP99Ms }: FailoverResult): string {
  const late = latenessP99Ms > LATENESS_MS_MOST ? [`The machine did not keep up: ${lateness(latenessP99Ms)}.`] : [];
  return [
    ...late,
    ...(faults.length > 0 ? [markdownTable(FAULT_HEAD, faults.map(faultRow)), ...faults.flatMap(toldOf)] : []),
    ...(outages.length > 0 ? [markdownTable(OUTAGE_HEAD, outages.map(outageRow)), ...outages.flatMap(toldOf)] : []),
    ...outages.flatMap(errorAsItCame),
  ].join('\n\n');
}

export function failoverPage(run: RunDescription, options: FailoverOptions, result: FailoverResult): string {
  const { startedAt, commit, node, cpu, loadBefore } = run;
  const { rate, faultMs, seed } = options;
  return `# Failover

\`npm run failover\`: ${startedAt}, commit ${commit}, Node ${node}, ${cpu}, everything on this machine; load average before
${loadBefore}. ${rate} requests/s, seed ${seed}; ${lateness(result.latenessP99Ms)}.

The distributed form of \`npm run stack\` with two edges and two routers, and one model with two upstreams of equal tier, price and
weight, each a simulator in a process of its own: 50 ms to the first token, 150 ms more for the rest of a stream. Requests
leave evenly spaced, whether or not those before were answered, and are timed from when they were due; four of five stream, one
of five is translated. No client tries again. One upstream fails for ${seconds(faultMs)}, after ${seconds((2 * faultMs) / 3)} without a fault and before ${seconds((4 * faultMs) / 3)}
without one; both for ${seconds((2 * faultMs) / 3)}. The first token is waited for ${seconds(2_000)}, a connection ${seconds(1_000)}.

${tablesOf(result)}

- **Errors**: replies that failed before their first byte. Target: none.
- **Broken**: streams that failed after it. A process that is killed takes those along that it was sending, and a stream that
  turns to nonsense (\`garbled\`) cannot be continued by another upstream; others have no excuse.
- **Extra**: upstream requests beyond one per client request, from the fault to the end of the recovery; as the gateway tells its
  clients or as the upstreams saw them, whichever is more. Target: at most 10 %.
- **Share**: of new requests, what went to the failing upstream before the fault.
- **Moved**: from the fault until less than 5 % of new requests go to the failing upstream first, in every window of half a second
  from then on. Target: at most 2 s.
- **Back**: from when the upstream answers again until it gets at least 25 % of new requests in every second from then on.
  Target: at most 15 s.
- Both away: an **answer** (the error) within the time a first token is waited for, once the gateway had 2 s to notice; nobody
  waits longer than that for each upstream once. **Recovered**: until 99 % succeed in every second from then on.
`;
}

const FAULT_HEAD = [
  'one of two',
  'requests',
  'errors',
  'broken',
  'extra',
  'share',
  'first byte p50, p99 (ms)',
  'in the fault (ms)',
  'moved',
  'back',
  'verdict',
];

function faultRow(figures: FaultFigures): string[] {
  const { movedAfterMs, backAfterMs } = figures;
  return [
    figures.fault,
    figures.requests.toLocaleString('en-US'),
    String(figures.errorsBeforeFirstByte),
    String(figures.brokenMidStream),
    percent(figures.extraShare),
    percent(figures.shareBefore),
    latency(figures.healthy),
    latency(figures.inFault),
    movedAfterMs === undefined ? 'never' : seconds(movedAfterMs),
    backAfterMs === undefined ? 'never' : seconds(backAfterMs),
    verdict(figures),
  ];
}

const OUTAGE_HEAD = [
  'both',
  'requests',
  'errors',
  'answer p50, p99, most (ms)',
  'p99 once noticed (ms)',
  'upstream requests each',
  'recovered',
  'verdict',
];

function outageRow(figures: OutageFigures): string[] {
  const { answer, recoveredAfterMs } = figures;
  return [
    figures.fault,
    figures.requests.toLocaleString('en-US'),
    String(figures.errors),
    `${latency(answer)}, ${whole(answer.mostMs)}`,
    whole(figures.noticedP99Ms),
    figures.upstreamPerRequest.toFixed(2),
    recoveredAfterMs === undefined ? 'never' : seconds(recoveredAfterMs),
    verdict(figures),
  ];
}

/** The errors of one row, the most frequent first. */
function toldOf({ fault, told }: { fault: string; told: Told }): string[] {
  const errors = Object.entries(told).sort(([, one], [, other]) => other - one);
  if (errors.length === 0) return [];
  const lines = errors.slice(0, SHOWN_ERRORS_MOST).map(([error, count]) => `- ${count} × ${error}`);
  const more = errors.length > SHOWN_ERRORS_MOST ? [`- and ${errors.length - SHOWN_ERRORS_MOST} others`] : [];
  return [`What clients of \`${fault}\` were told:\n\n${[...lines, ...more].join('\n')}`];
}

function errorAsItCame({ fault, errorBody }: OutageFigures): string[] {
  // `text`: no formatter changes what came.
  return errorBody === undefined ? [] : [`An error of \`${fault}\`, as it came:\n\n\`\`\`text\n${errorBody}\n\`\`\``];
}

function verdict({ violations }: { violations: readonly string[] }): string {
  return violations.length === 0 ? 'met' : `MISSED: ${violations.join('; ')}`;
}

function lateness(p99Ms: number): string {
  return `99 of 100 left within ${p99Ms.toFixed(1)} ms of when they were due`;
}

function latency({ p50Ms, p99Ms }: Latency): string {
  return `${whole(p50Ms)}, ${whole(p99Ms)}`;
}

function whole(ms: number | undefined): string {
  return ms === undefined ? '–' : Math.round(ms).toLocaleString('en-US');
}
