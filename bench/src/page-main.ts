/** Writes the figures that benchmarks kept last into docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { performanceFigures, targetsTable } from './page/figures';
import { readKeptResults } from './page/kept-results';
import { withFigures } from './page/with-figures';
import { resultsFolder, root, runBench } from './run-bench';

const page = path.join(root, 'docs/performance.md');

void runBench('npm run bench:page', (args) => {
  if (args.length > 0) throw new TypeError('it takes no arguments');
  const kept = readKeptResults(resultsFolder);
  const text = withFigures(readFileSync(page, 'utf8'), 'npm run bench:page', performanceFigures(kept));
  writeFileSync(page, text);
  process.stdout.write(`${targetsTable(kept)}\n\nwritten into ${path.relative(root, page)}\n`);
  return Promise.resolve();
});
