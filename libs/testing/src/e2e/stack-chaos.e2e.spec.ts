import type { Kind } from '../chaos/kill-plan';
import { runChaos } from '../chaos/run-chaos';

jest.setTimeout(240_000);
// A call that was lost once is lost: a second try that goes well is no comfort.
jest.retryTimes(0);

/** Every kind once, and the pairs that hurt: who holds records with who takes them, who counts with who remembers. */
const ROUNDS: readonly (readonly Kind[])[] = [
  ['edge-api'],
  ['metering', 'postgres'],
  ['nats', 'edge-api'],
  ['redis', 'rate-limit'],
  ['edge-api', 'rate-limit'],
];

test('whatever is killed -9, every call is in the ledger once, no budget is overspent and no cut reply looks whole', async () => {
  const options = { seed: 20_26, loadMs: 45_000, kinds: [], rounds: ROUNDS, clients: 24 };
  const { violations, table, evidence } = await runChaos(options, (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`\n${table}\n`);
  expect(new Set(evidence.kills.map(({ kind }) => kind))).toEqual(new Set(ROUNDS.flat()));
  expect(evidence.calls.filter(({ outcome }) => outcome === 'whole').length).toBeGreaterThan(200);
  expect(violations).toEqual([]);
});
