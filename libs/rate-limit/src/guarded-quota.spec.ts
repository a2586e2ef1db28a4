import { reservation, settlement } from './__fixtures__/reservation';
import { pause, took } from './__fixtures__/waiting';
import { InMemoryQuota } from './core/in-memory-quota';
import type { Quota, UnknownSpending } from './core/quota';
import { guardQuota } from './guarded-quota';

const call = reservation('a');
const reserved = settlement(call);
const held = { outputTokens: 5, nanoUsd: 100 };
const spending: UnknownSpending = {
  ...{ group: 'tenant:acme', scope: 'key:key_1', id: 'budget', period: 'total', periodStartMs: 0 },
};

const OPERATIONS: [name: string, operation: (quota: Quota) => Promise<unknown>][] = [
  ['reserve', (quota) => quota.reserve(call)],
  ['extend', (quota) => quota.extend({ ...reserved, nanoUsd: 1 })],
  ['settle', (quota) => quota.settle(reserved)],
  ['renew', (quota) => quota.renew(reserved)],
  ['restore', (quota) => quota.restore(call, held)],
  ['state', (quota) => quota.state({ group: 'tenant:acme', scopes: [] })],
  ['prime', (quota) => quota.prime(spending, 0)],
];

/** Does everything, `delayMs` late. */
function lateQuota(delayMs: number): Quota {
  const quota = new InMemoryQuota({ leaseMs: 60_000 });
  return new Proxy<Quota>(quota, {
    get:
      (_target, name: keyof Quota) =>
      async (...given: never[]) => {
        await pause(delayMs);
        return (quota[name] as (...given: never[]) => Promise<unknown>)(...given);
      },
  });
}

test.each(OPERATIONS)('%s is given up after its time', async (_name, operation) => {
  const quota = guardQuota(lateQuota(1_000), 30);
  const ms = await took(expect(operation(quota)).rejects.toThrow('no answer within 30 ms'));
  expect(ms).toBeLessThan(300);
});

test.each(OPERATIONS)('%s is what it was where the store answers', async (_name, operation) => {
  const [plain, guarded] = [lateQuota(0), guardQuota(lateQuota(0), 5_000)];
  expect(await operation(guarded)).toEqual(await operation(plain));
});

test('a store that does not answer is found out by few: after them all others are told at once', async () => {
  const quota = guardQuota(lateQuota(1_000), 30);
  await Promise.allSettled(OPERATIONS.slice(0, 3).map(([, operation]) => operation(quota)));
  for (const [, operation] of OPERATIONS) {
    await expect(operation(quota)).rejects.toThrow('not tried');
  }
});

test('what nobody waits for may take its time', async () => {
  const quota = guardQuota(lateQuota(100), 10);
  expect(await quota.groups()).toEqual([]);
  expect(await quota.expire('tenant:acme')).toEqual([]);
  await expect(quota.orphanRecorded('tenant:acme', 'a')).resolves.toBeUndefined();
});
