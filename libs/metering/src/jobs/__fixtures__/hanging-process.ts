import { createLogger, createMetrics } from '@switchboard/platform';
import { BullmqJobs } from '../adapters/bullmq-jobs';

/** `<redis url> <lock, ms>`: takes a turn of the job `orphan`, says so, and has it in hand until it is killed. */
const [redisUrl = '', lockMs] = process.argv.slice(2);
const run = async (): Promise<void> => {
  process.stdout.write('taken\n');
  await new Promise(() => undefined);
};
new BullmqJobs({
  ...{ redisUrl, lockMs: Number(lockMs), jobs: [{ name: 'orphan', everyMs: 3_600_000, run }] },
  ...{ log: createLogger({ level: 'silent', name: 'hanging' }), metrics: createMetrics() },
}).start();
