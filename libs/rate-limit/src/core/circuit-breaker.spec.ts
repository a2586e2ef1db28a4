import { setTimeout as delay } from 'node:timers/promises';
import { CircuitBreaker } from './circuit-breaker';
import { UntriedError } from './untried-error';

let nowMs: number;
let tried: number;
let breaker: CircuitBreaker;

beforeEach(() => {
  nowMs = 0;
  tried = 0;
  breaker = new CircuitBreaker({ timeoutMs: 50, now: () => nowMs });
});

const hangs = () => breaker.run(() => (tried++, new Promise<string>(() => undefined)));
const fails = () => breaker.run(() => (tried++, Promise.reject(new Error('away'))));
const works = () => breaker.run(() => (tried++, Promise.resolve('fine')));
const noAnswers = async (calls: number) => {
  for (let call = 0; call < calls; call++) await expect(hangs()).rejects.toThrow('no answer within 50 ms');
};

test('three calls in a row without an answer open it: others fail at once, untried', async () => {
  await noAnswers(3);
  await expect(works()).rejects.toThrow(UntriedError);
  expect([breaker.isOpen, tried]).toEqual([true, 3]);
});

test('three at once open it as well', async () => {
  await Promise.all([noAnswers(1), noAnswers(1), noAnswers(1)]);
  expect(breaker.isOpen).toBe(true);
});

test('an answer in between counts them anew', async () => {
  await noAnswers(2);
  await works();
  await noAnswers(2);
  expect(await works()).toBe('fine');
});

test('a failure is an answer, however many there are', async () => {
  await noAnswers(2);
  for (let call = 0; call < 5; call++) await expect(fails()).rejects.toThrow('away');
  await noAnswers(2);
  expect(breaker.isOpen).toBe(false);
});

test('after a while one is let through, alone, and its answer closes it', async () => {
  await noAnswers(3);
  nowMs += 250;
  const probe = breaker.run(() => delay(10, 'fine'));
  await expect(works()).rejects.toThrow(UntriedError);
  expect(await probe).toBe('fine');
  expect(await works()).toBe('fine');
});

test('an answer that is too late for its caller closes it', async () => {
  const late = () => expect(breaker.run(() => delay(120, 'late'))).rejects.toThrow('no answer');
  await Promise.all([late(), late(), late()]);
  expect(breaker.isOpen).toBe(true);
  await delay(120);
  expect(await works()).toBe('fine');
});

test('a failure that is too late for its caller does not', async () => {
  const given = () => delay(120).then(() => Promise.reject(new Error('given up')));
  const late = () => expect(breaker.run(given)).rejects.toThrow('no answer');
  await Promise.all([late(), late(), late()]);
  await delay(120);
  await expect(works()).rejects.toThrow(UntriedError);
});

test('a probe without an answer opens it again', async () => {
  await noAnswers(3);
  nowMs += 250;
  await noAnswers(1);
  await expect(works()).rejects.toThrow(UntriedError);
});

test('a call without an answer fails after its time', async () => {
  const startedAtMs = performance.now();
  await expect(breaker.run(() => new Promise(() => undefined))).rejects.toThrow('no answer within 50 ms');
  expect(performance.now() - startedAtMs).toBeLessThan(500);
});

test('an answer that lay unread while the process stood still counts', async () => {
  const call = breaker.run(() => delay(20, 'fine'));
  const until = performance.now() + 150;
  while (performance.now() < until);
  expect(await call).toBe('fine');
});
