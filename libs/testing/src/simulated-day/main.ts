/** A day of requests over five providers whose prices, speed and health change, by every way of routing, in virtual time. */
import { writeFileSync } from 'node:fs';
import { compareDays } from './compare';
import { parseDayOptions, usage } from './options';
import { dayPage, dayTable } from './report';

try {
  const { page, ...options } = parseDayOptions(process.argv.slice(2));
  const days = compareDays(options);
  process.stdout.write(`${dayTable(days)}\n`);
  if (page !== undefined) {
    writeFileSync(page, dayPage(options, days));
    process.stdout.write(`\nkept in ${page}\n`);
  }
} catch (error) {
  const isOurs = error instanceof TypeError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(isOurs ? `${(error as Error).message}\n\n${usage}\n` : `${(error as Error).stack}\n`);
  process.exitCode = 1;
}
