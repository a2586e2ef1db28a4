import { createInterface } from 'node:readline';
// Not from the whole of it: one beside every stack, this process would load a thousand modules for the sake of two functions.
import { processStart } from '@switchboard/platform/process-identity';
import { endAll, type Guarded, type IdentifiedProcess } from './guarded';

/** Reads, line by line, what there is to guard; when the lines end, ends what is left of it. */
async function main(): Promise<void> {
  // It outlives whoever is signalled with the whole terminal or session: that is what it is for.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  let known: IdentifiedProcess[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    known = await identified(JSON.parse(line) as Guarded[], known);
  }
  await endAll(known);
}

async function identified(guarded: Guarded[], known: readonly IdentifiedProcess[]): Promise<IdentifiedProcess[]> {
  return Promise.all(
    guarded.map(async (each) => {
      const before = known.find(({ pid }) => pid === each.pid);
      if (before !== undefined) return before;
      const start = await processStart(each.pid);
      return { ...each, isAlive: async () => start !== undefined && (await processStart(each.pid)) === start };
    }),
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
