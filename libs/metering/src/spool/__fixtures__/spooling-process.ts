import { createLogger, createMetrics } from '@switchboard/platform';
import { event } from '../../__fixtures__/usage-events';
import { UsageSpool } from '../usage-spool';
import { intent } from './intents';

/**
 * `<dir> endless`: spools calls, one after the other, and says of each what it did before it does the next, until it is
 * killed. `<dir> <count>`: begins so many calls, ends all but the last, says so, and waits to be killed.
 */
async function main(dir: string, what: string): Promise<void> {
  const log = createLogger({ level: 'error', name: 'spooling' });
  const spool = await UsageSpool.open({ dir, bytesMax: 64 * 1024 * 1024, log, metrics: createMetrics() });
  const count = what === 'endless' ? Infinity : Number(what);
  for (let index = 0; index < count; index++) {
    const written = new Promise<void>((resolve) => spool.intent(intent(`req_${index}`), resolve));
    if (index % 10 === 9 || what !== 'endless') await written;
    if (index < count - 1) spool.usage(event(`req_${index}`));
    if (what === 'endless') void written.then(() => process.stdout.write(`${index}\n`));
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.stdout.write('done\n');
  setInterval(() => undefined, 1_000);
}

void main(process.argv[2] ?? '', process.argv[3] ?? '');
