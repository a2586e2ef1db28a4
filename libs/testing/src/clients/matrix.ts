import { markdownTable } from '../failover/markdown-table';
import { describeRun } from '../failover/report';
import { versionOf } from './installation';
import { UPSTREAMS, type ClientTrial, type Upstream } from './trial';
import type { SquareResult } from './world';

type Verdict = Pick<SquareResult, 'failure' | 'lost' | 'upstream'> & {
  trial: Pick<ClientTrial, 'id' | 'title'>;
  scenario: { name: string };
};

/** Client and scenario by upstream: `ok`, or the number of what failed, which is said below the table. */
export function matrixOf(results: readonly Verdict[]): string {
  const failures = [...new Set(results.map(({ failure }) => failure).filter((failure) => failure !== undefined))];
  const upstreams = UPSTREAMS.filter((upstream) => results.some((result) => result.upstream === upstream));
  const cell = (rows: readonly Verdict[], upstream: Upstream): string => {
    const result = rows.find((row) => row.upstream === upstream);
    if (result === undefined) return '–';
    return result.failure === undefined ? 'ok' : `✗ ${failures.indexOf(result.failure) + 1}`;
  };
  const rows = [...grouped(results, ({ trial, scenario }) => `${trial.id} ${scenario.name}`).values()].map((group) => [
    group[0]?.trial.title ?? '',
    group[0]?.scenario.name ?? '',
    ...upstreams.map((upstream) => cell(group, upstream)),
  ]);
  const notes = failures.map((failure, at) => `${at + 1}. ${failure}`);
  const ok = results.filter(({ failure }) => failure === undefined).length;
  return [
    markdownTable(['client', 'scenario', ...upstreams.map((upstream) => `on ${upstream}`)], rows),
    `${ok} of ${results.length} ok.`,
    ...(notes.length > 0 ? [notes.join('\n')] : []),
  ].join('\n\n');
}

/** What translation lost for a client, by upstream: nobody loses anything on the dialect it speaks. */
export function lossesOf(results: readonly Verdict[]): string {
  const rows = [...grouped(results, ({ trial, upstream }) => `${trial.id} ${upstream}`).values()]
    .map((group) => ({ first: group[0], lost: [...new Set(group.flatMap(({ lost }) => [...lost]))].sort() }))
    .filter(({ lost }) => lost.length > 0)
    .map(({ first, lost }) => [
      first?.trial.title ?? '',
      first?.upstream ?? '',
      lost.map((feature) => `\`${feature}\``).join(', '),
    ]);
  return rows.length === 0 ? 'Nothing was lost.' : markdownTable(['client', 'upstream', 'lost'], rows);
}

export function clientsPage(results: readonly SquareResult[]): string {
  const trials = [...new Set(results.map(({ trial }) => trial))];
  const { startedAt, commit, node } = describeRun();
  return `# Clients

How each client is pointed at the gateway, and what it was seen to do. \`npm run clients -- --write docs/clients.md\` installs the
clients at the versions below, runs them against the standalone gateway, each in a home of its own and with a proxy that leads
nowhere for all other hosts, and writes this page: ${startedAt}, commit ${commit}, Node ${node}.

\`GATEWAY\` is the gateway's address without a path (\`http://127.0.0.1:8080\` after \`npm start\`), \`KEY\` one of its keys.

${trials.map(setupOf).join('\n\n')}

## What was tried

Every scenario ran on a model whose upstream speaks Anthropic Messages, one that speaks OpenAI Chat Completions and one that speaks
OpenAI Responses: the simulator, which plays a model. It is **ok** where the client did what it should have, visibly (its output, its exit
code, the file it wrote, what the upstream received), and the usage ledger holds each upstream call once, under the right model and
dialects, with no loss beyond those below.

${matrixOf(results)}

## What translation loses

Reported in the header \`x-callmissed-translation-loss\` and in the usage record. The client works all the same.

${lossesOf(results)}
`;
}

function setupOf({ title, packages, setup }: ClientTrial): string {
  const versions = packages.map((name) => `\`${name}\` ${versionOf(name)}`).join(', ');
  return `## ${title}\n\n${versions}\n\n${setup}`;
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}
