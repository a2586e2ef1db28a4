import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  callPatiently,
  newKey,
  OUTPUT_TOKENS,
  priceOf,
  rateState,
  servedNanoUsd,
  spendingOf,
  startBudgetWorld,
  type BudgetWorld,
} from './budget-world';
import { CLIENT_DIALECTS, conversation } from './conversation';
import { change } from './everywhere';
import { UPSTREAM_DIALECTS } from './gateway-config';
import { send, type RawReply } from './http-exchange';

jest.setTimeout(300_000);

const ROUNDS = 20;

let world: BudgetWorld;
let price: { costNanoUsd: number; heldNanoUsd: number };
let agent: Agent;

beforeAll(async () => {
  world = await startBudgetWorld();
  agent = new Agent({ keepAlive: true });
  price = await priceOf(world);
});

afterAll(async () => {
  agent?.destroy();
  await world?.stop();
});

const turnOf = <T>(choices: readonly T[], turn: number): T => choices[turn % choices.length] as T;

/** Both dialects over both upstream dialects, streams and whole replies, over every edge in turn. */
const crowd = (key: string, size: number): Promise<(RawReply | undefined)[]> => {
  const edges = world.stack.edges();
  return Promise.all(
    Array.from({ length: size }, (_, turn) => {
      const [dialect, upstream] = [turnOf(CLIENT_DIALECTS, turn), turnOf(UPSTREAM_DIALECTS, turn >> 1)];
      return callPatiently({ edge: turnOf(edges, turn), key, dialect, upstream, stream: (turn >> 2) % 2 === 0 }, agent);
    }),
  );
};

const statuses = (replies: (RawReply | undefined)[]) => {
  const counts: Record<string, number> = {};
  for (const reply of replies) {
    const status = String(reply?.status ?? 'broken');
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
};

test('500 calls at once over three edges spend a budget for 100 to less than one call, and never more', async () => {
  const budget = 100 * price.costNanoUsd;
  const { id, key } = await newKey(world, 'crowd', { budget: { usd: budget / 1e9, period: 'day' } });
  const replies = await crowd(key, 500);
  const { ledger, served, records } = await spendingOf(world, id);
  process.stdout.write(`budget ${budget}, spent ${ledger}, ${JSON.stringify(statuses(replies))}\n`);
  expect(Object.keys(statuses(replies)).sort()).toEqual(['200', '402']);
  expect(ledger).toBeLessThanOrEqual(budget);
  expect(ledger).toBeGreaterThan(budget - price.heldNanoUsd);
  expect(served).toBe(ledger);
  expect(records.every(({ accuracy }) => accuracy === 'exact')).toBe(true);
  const state = await rateState(world, id);
  expect(Number(state.key.budgets[0]?.spentUsd) * 1e9).toBeCloseTo(ledger, 0);
  expect(Number(state.key.budgets[0]?.heldUsd)).toBe(0);
});

test('of credits paid in advance no more is spent than there are', async () => {
  const { stack } = world;
  await change(stack, 'POST', 'tenants', { id: 'prepaid', name: 'Prepaid' });
  const { body } = await change<{ id: string; key: string }>(stack, 'POST', 'keys', { tenant: 'prepaid', name: 'k' });
  const credits = 20 * price.costNanoUsd;
  await change(stack, 'POST', 'credits/prepaid/top-ups', { usd: credits / 1e9 });
  await delay(1_000);
  const replies = await crowd(body.key, 80);
  expect(Object.keys(statuses(replies)).sort()).toEqual(['200', '402']);
  const refused = replies.find((reply) => reply?.status === 402);
  expect(refused?.text).toContain('Your credit balance is too low');
  const { ledger } = await spendingOf(world, body.id);
  expect(ledger).toBeLessThanOrEqual(credits);
  expect(ledger).toBeGreaterThan(credits - price.heldNanoUsd);
});

test(`edges and limiters killed -9 at random, ${ROUNDS} rounds: no budget is ever overspent`, async () => {
  const rounds: { budget: number; id: string; killed: string; outcomes: object; served: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const budget = (5 + Math.floor(Math.random() * 30)) * price.costNanoUsd;
    const { id, key } = await newKey(world, `round-${round}`, { budget: { usd: budget / 1e9, period: 'total' } });
    world.simulator.reset();
    const calls = crowd(key, 60);
    await delay(Math.random() * 500);
    const victims = world.stack
      .processes()
      .filter(
        ({ name, status }) => (Math.random() < 0.6 ? name === 'edge-api' : name === 'rate-limit') && status === 'ready',
      );
    const victim = victims[Math.floor(Math.random() * victims.length)];
    if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
    const outcomes = statuses(await calls);
    // All that was served since the reset was served to this key, whether the ledger knows of it or not.
    const served = servedNanoUsd(world.simulator.served().requests);
    rounds.push({ budget, id, killed: victim?.name ?? 'nobody', outcomes, served });
  }
  for (const { budget, id, killed, outcomes, served } of rounds) {
    const { ledger, records } = await spendingOf(world, id);
    const orphans = records.filter(({ accuracy }) => accuracy === 'orphaned').length;
    process.stdout.write(
      `${killed} killed: budget ${budget}, spent ${ledger}, served ${served}, orphans ${orphans}, ${JSON.stringify(outcomes)}\n`,
    );
    expect(ledger).toBeLessThanOrEqual(budget);
    expect(served).toBeLessThanOrEqual(budget);
  }
});

describe('663 tokens never pass a limit of 100 a minute', () => {
  const TOKENS = 663;

  test.each([
    ['one client', 1],
    ['fifty clients', 50],
  ])('%s, streaming and not', async (_name, clients) => {
    const edges = world.stack.edges();
    const startedAtMs = performance.now();
    const { id, key } = await newKey(world, `tokens-${clients}`, { limits: { otpm: 100 } });
    const replies = await Promise.all(
      Array.from({ length: clients * 4 }, (_each, turn) => {
        const dialect = turnOf(CLIENT_DIALECTS, turn);
        const ask = { model: `budget/${turnOf(UPSTREAM_DIALECTS, turn >> 1)}`, key, stream: (turn >> 2) % 2 === 0 };
        return send(turnOf(edges, turn), {
          ...conversation(dialect, { ...ask, extra: { max_tokens: TOKENS } }),
          agent,
        });
      }),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 429]));
    for (const { status, headers } of replies)
      if (status === 429) expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    const { records } = await spendingOf(world, id);
    const refilled = ((performance.now() - startedAtMs) / 60_000) * 100;
    const passed = records.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
    expect(passed).toBeLessThanOrEqual(100 + refilled);
    expect(passed).toBeGreaterThan(0);
    expect(OUTPUT_TOKENS).toBeGreaterThan(100);
  });
});
