import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  decodeJson,
  encodeJson,
  type LimiterBatchReplyV2,
  LimiterUnavailableError,
  RemoteError,
  SUBJECTS,
} from '@switchboard/contracts';
import { LocalWorld } from './__fixtures__/local-world';
import { bounds, reservation, settlement } from './__fixtures__/reservation';
import { eventually, took } from './__fixtures__/waiting';
import type { BusLimiter } from './bus-limiter';
import { InMemoryQuota } from './core/in-memory-quota';
import { RateLimitModule } from './rate-limit.module';

let world: LocalWorld;
let edge: BusLimiter;

beforeEach(() => {
  world = new LocalWorld();
  edge = world.edge();
});

afterEach(() => world.stop());

const asked = async (batch: unknown): Promise<LimiterBatchReplyV2> =>
  decodeJson(await world.bus.request(SUBJECTS.limiterBatch, encodeJson(batch as object), { timeoutMs: 2_000 }));

class AwayQuota extends InMemoryQuota {
  override reserve = () => Promise.reject(new Error('redis is away'));
  override settle = () => Promise.reject(new Error('redis is away'));
  override state = () => Promise.reject(new Error('redis is away'));
}

test('a call is admitted, is open until settled, and whoever asks is told so', async () => {
  world.replica();
  const scopes = [bounds('key:key_1', { limits: { rpm: 10, concurrency: 5 } })];
  const call = reservation('a', { scopes });
  expect(await edge.reserve(call)).toMatchObject({
    ...{ outcome: 'granted', outputTokens: 5 },
    rates: { requests: { limit: 10, remaining: 9 } },
  });
  const state = { group: 'tenant:acme', scopes };
  expect((await edge.state(state)).scopes).toMatchObject([
    { scope: 'key:key_1', open: 1, concurrencyLimit: 5, rates: { requests: { remaining: 9 } } },
  ]);
  edge.settle(settlement(call));
  await eventually(async () => expect((await edge.state(state)).scopes[0]?.open).toBe(0));
});

test('a settlement that is sent twice counts once, whichever replica takes it', async () => {
  world.replica();
  world.replica();
  const [first, second] = [reservation('a'), reservation('b')];
  await edge.reserve(first);
  await edge.reserve(second);
  const step = { do: 'settle', settlement: settlement(first) };
  for (let time = 0; time < 2; time++) expect((await asked({ steps: [step] })).replies).toEqual([{ outcome: 'done' }]);
  expect(await world.open()).toBe(1);
});

test('a store that is away is an unavailable limiter, told at once', async () => {
  world.replica({ quota: new AwayQuota({ leaseMs: 60_000 }) });
  const refused = expect(edge.reserve(reservation('a'))).rejects.toThrow(LimiterUnavailableError);
  expect(await took(refused)).toBeLessThan(300);
  await expect(edge.state({ group: 'tenant:acme', scopes: [] })).rejects.toThrow(LimiterUnavailableError);
});

const good = (requestId: string) => ({ do: 'reserve', request: reservation(requestId) });
const { requestId, group, scopes, nanoUsd } = settlement(reservation('x'));
const NONSENSE: [what: string, step: unknown][] = [
  ['nothing', null],
  ['a number', 7],
  ['a text', 'reserve'],
  ['no step', {}],
  ['another step', { do: 'steal' }],
  ['a step named by an object', { do: {} }],
  ['a reservation of nothing', { do: 'reserve' }],
  ['a reservation without amounts', { do: 'reserve', request: { ...reservation('x'), amounts: undefined } }],
  ['a reservation without scopes', { do: 'reserve', request: reservation('x', { scopes: [] }) }],
  ['a reservation without a name', { do: 'reserve', request: reservation('') }],
  ['a settlement of less than nothing', { do: 'settle', settlement: settlement(reservation('x'), { nanoUsd: -1 }) }],
  ['an extension by half a nano-USD', { do: 'extend', request: { requestId, group, scopes, nanoUsd: 0.5 } }],
  ['a renewal of a number', { do: 'renew', requestId: 7, group, scopes }],
  ['money held back that is less than none', restored({ heldNanoUsd: -nanoUsd })],
  ['money put back that is no number', restored({ heldNanoUsd: undefined })],
  ['output put back that is no number', restored({ outputTokens: 'many' })],
];

function restored(changes: object): object {
  return { do: 'restore', request: reservation('x'), outputTokens: 1, heldNanoUsd: 1, ...changes };
}

test.each(NONSENSE)('%s is refused, and costs its neighbours in the batch nothing', async (_what, step) => {
  world.replica();
  const { replies } = await asked({ steps: [good('before'), step, good('after')] });
  expect(replies).toEqual([
    expect.objectContaining({ outcome: 'granted' }),
    { outcome: 'unavailable', message: expect.any(String) },
    expect.objectContaining({ outcome: 'granted' }),
  ]);
  expect(await world.open()).toBe(2);
  // Whatever came over the bus, the metrics know no other steps than there are.
  const labels = (await world.metrics.registry.metrics()).matchAll(/steps_total\{step="([^"]*)"/g);
  for (const [, name] of labels) expect(['reserve', 'extend', 'settle', 'renew', 'restore', 'invalid']).toContain(name);
});

test.each([[null], [{}], [{ steps: 7 }], [{ steps: { length: 1 } }]])('%j is no batch, and refused', async (batch) => {
  world.replica();
  await expect(asked(batch)).rejects.toThrow(RemoteError);
});

test('a question about nothing that can be is refused', async () => {
  world.replica();
  for (const question of [null, {}, { group: 'tenant:acme', scopes: [null] }]) {
    const answer = world.bus.request(SUBJECTS.rateState, encodeJson(question as object), { timeoutMs: 500 });
    await expect(answer).rejects.toThrow(RemoteError);
  }
});

test('the metrics tell what came of each step, and how long steps and the ledger took', async () => {
  world.replica();
  const limited = [bounds('key:limited', { limits: { rpm: 1 } })];
  await edge.reserve(reservation('a', { scopes: limited }));
  await edge.reserve(reservation('b', { scopes: limited }));
  await edge.reserve(
    reservation('c', { scopes: [bounds('key:b', { budgets: [{ id: 'budget', nanoUsd: 1_000, period: 'day' }] })] }),
  );
  edge.settle(settlement(reservation('never'), { nanoUsd: 0 }));
  edge.settle(settlement(reservation('a', { scopes: limited })));
  const exposed = async (line: string) => expect(await world.metrics.registry.metrics()).toContain(line);
  await eventually(() => exposed('switchboard_rate_limit_steps_total{step="settle",outcome="done"} 1'));
  await exposed('switchboard_rate_limit_steps_total{step="settle",outcome="unknown"} 1');
  await exposed('switchboard_rate_limit_steps_total{step="reserve",outcome="granted"} 2');
  await exposed('switchboard_rate_limit_steps_total{step="reserve",outcome="denied_requests"} 1');
  await exposed('switchboard_rate_limit_step_seconds_count{step="reserve"} 4');
  // Asked again, for its budget was not known yet.
  await exposed('switchboard_rate_limit_steps_total{step="reserve",outcome="pending"} 1');
  await exposed('switchboard_rate_limit_ledger_seconds_count 1');
  await exposed('switchboard_rate_limit_orphans_total 0');
});

test('the module serves as long as its host', async () => {
  const { bus, quota, ledger, leaseMs, log, metrics } = world;
  const module = RateLimitModule.forRoot({ bus, quota, ledger, leaseMs, log, metrics });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  expect(await edge.reserve(reservation('a'))).toMatchObject({ outcome: 'granted' });
  await app.close();
  await expect(asked({ steps: [good('b')] })).rejects.toThrow('nobody');
});
