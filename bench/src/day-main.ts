/** A simulated day of every routing policy; writes its figures into docs/simulated-day.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { daysByPolicy } from './day/day';
import { dayTable, faultTable, shareTable } from './day/tables';
import { withFigures } from './page/with-figures';

const page = path.resolve(__dirname, '../../docs/simulated-day.md');

const days = daysByPolicy({ seed: 6, fromHour: 0, toHour: 24, peakPerSecond: 4.3 });
const requests = days[0]?.summary.requests ?? 0;
const figures = [
  `${requests.toLocaleString('en-US')} requests.`,
  dayTable(days),
  'Who served them:',
  shareTable(days),
  'While something was wrong: the share of the requests that was sent to the faulty provider, be it first or later; the clients that got an error, whoever caused it; and the 99th percentile of the first token.',
  faultTable(days),
].join('\n\n');
process.stdout.write(`${figures}\n`);
writeFileSync(page, withFigures(readFileSync(page, 'utf8'), 'npm run bench:day', figures));
