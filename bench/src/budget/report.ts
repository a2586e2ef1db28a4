import { markdownTable } from '../markdown-table';
import { runLines, type RunDescription } from '../run-description';
import type { Budget } from './measure';
import { STAGES } from './stages';

/** A table per scenario: one column per subject, one row per stage that took time; microseconds per request. */
export function budgetTables(budgets: readonly Budget[]): string {
  const scenarios = [...new Set(budgets.map(({ scenario }) => scenario))];
  return scenarios
    .map((name) =>
      scenarioTable(
        name,
        budgets.filter(({ scenario }) => scenario === name),
      ),
    )
    .join('\n\n');
}

function scenarioTable(scenario: string, budgets: readonly Budget[]): string {
  const rows = STAGES.map((stage) => [stage, ...budgets.map(({ stages }) => figure(stages[stage]))]);
  const sums = ['**all of the profile**', ...budgets.map(({ profiledMicros }) => `**${profiledMicros.toFixed(1)}**`)];
  const cpu = ['CPU without a profiler, all threads', ...budgets.map(({ cpuMicros }) => cpuMicros.toFixed(1))];
  const taken = rows.filter(([, ...figures]) => figures.some((text) => text !== ''));
  return markdownTable([`${scenario}, µs`, ...budgets.map(({ subject }) => subject)], [...taken, sums, cpu]);
}

const figure = (micros: number): string => (micros < 0.05 ? '' : micros.toFixed(1));

export function dearest({ scenario, subject, functions }: Budget, most: number): string {
  const rows = functions.slice(0, most).map(({ at, stage, micros }) => [at, stage, micros.toFixed(2)]);
  return `${scenario}: ${subject}\n\n${markdownTable(['function', 'stage', 'µs'], rows)}`;
}

export function budgetPage(run: RunDescription, budgets: readonly Budget[]): string {
  return `# Where each microsecond goes

${runLines(run)}.

\`npm run bench:budget\` makes these figures anew, from a CPU profile of the main thread under full load: the time each function
takes itself, by its file, per request. What is native counts for whoever called it; what is known to nobody is “other”.
The profiler slows down what it looks at, and other threads are not in a profile: the last row is the CPU of the whole
process without it.

${budgetTables(budgets)}

${budgets.map((budget) => dearest(budget, 15)).join('\n\n')}
`;
}
