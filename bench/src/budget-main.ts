/** Where the time of a request goes, by stages, at the gateway and at the bare proxy. */
import { measureBudget, type Budget } from './budget/measure';
import { parseBudgetOptions, usage } from './budget/options';
import { budgetPage, budgetTables, dearest } from './budget/report';
import { pinThisProcess } from './pinning';
import { keepResults, runBench, say } from './run-bench';
import { describeRun } from './run-description';
import { scenarios } from './scenarios';
import { startSubjects } from './start-subjects';
import { baseline, subjectsNamed } from './subjects/registry';
import { CannedUpstream } from './upstream';

const looked = [
  'anthropic → anthropic, 1 KB',
  'anthropic → anthropic, 1 KB, 100 separate chunks',
  'chat → chat, 1 KB',
  'chat → chat, 1 KB, 100 separate chunks',
  'chat → anthropic, 1 KB',
  'chat → anthropic, 1 KB, 100 separate chunks',
];

async function run(args: readonly string[]): Promise<void> {
  const options = parseBudgetOptions(args);
  const chosen = subjectsNamed([options.subject]);
  const pinning = pinThisProcess();
  const description = describeRun('budget', pinning);
  const started = await startSubjects([baseline, ...chosen], pinning, new CannedUpstream(), { onDemand: true });
  try {
    const budgets: Budget[] = [];
    for (const scenario of scenarios.filter(({ name }) => looked.includes(name) && name.includes(options.filter))) {
      started.upstream.serve(scenario.delivery, scenario.bodyBytes * 0.9);
      for (const side of started.sides) {
        budgets.push(await measureBudget(scenario, side, options));
        say(`${scenario.name}: ${side.name}`);
      }
    }
    const ofGateway = budgets.filter(({ subject }) => subject === options.subject);
    process.stdout.write(`\n${budgetTables(budgets)}\n\n`);
    process.stdout.write(`${ofGateway.map((budget) => dearest(budget, 25)).join('\n\n')}\n\n${description.pinning}\n`);
    if (options.keep) keepResults('budget', { ...description, options, budgets }, budgetPage(description, budgets));
  } finally {
    await started.stop();
  }
}

void runBench(usage, run);
