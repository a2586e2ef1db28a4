import { Breaker } from './breaker';

let breaker: Breaker;
beforeEach(() => {
  breaker = new Breaker();
});

const fail = (atMs: number, outcome: Parameters<Breaker['failed']>[0] = 'failed') =>
  breaker.failed(outcome, atMs, atMs);
const pass = (atMs: number) => breaker.succeeded(atMs, atMs);

test('one failure puts it behind the others for a moment, three in a row open it', () => {
  fail(0);
  expect(breaker.standing(10)).toBe('degraded');
  expect(breaker.standing(1_001)).toBe('healthy');
  fail(2_000);
  pass(2_001);
  expect(breaker.standing(2_002)).toBe('healthy');
  for (const atMs of [3_000, 3_001, 3_002]) fail(atMs);
  expect(breaker.standing(3_003)).toBe('open');
  expect(breaker.closedForMs(3_003)).toBe(499);
});

test('an answer that was under way when a call failed clears it only where failures are few', () => {
  fail(100);
  breaker.succeeded(50, 110);
  expect(breaker.standing(111)).toBe('degraded');
  breaker.succeeded(112, 120);
  expect(breaker.standing(121)).toBe('healthy');
  for (let call = 0; call < 40; call++) pass(200 + call);
  fail(300);
  breaker.succeeded(250, 310);
  expect(breaker.standing(311)).toBe('healthy');
});

test('while it fails a third of its calls the others go first, and ten seconds after the last it is well', () => {
  for (let call = 0; call < 15; call++) (call % 3 === 0 ? fail : pass)(call * 100);
  expect(breaker.standing(1_450)).toBe('degraded');
  pass(4_000);
  expect(breaker.standing(4_001)).toBe('degraded');
  pass(12_000);
  expect(breaker.standing(12_001)).toBe('healthy');
});

test('a refused connection opens it at once, two timeouts do', () => {
  fail(0, 'connect');
  expect(breaker.standing(1)).toBe('open');
  breaker = new Breaker();
  fail(0, 'timeout');
  expect(breaker.standing(1)).toBe('degraded');
  fail(2, 'timeout');
  expect(breaker.standing(3)).toBe('open');
});

test('half of what it is asked failing opens it, though none fail in a row', () => {
  for (let call = 0; call < 4; call++) {
    fail(call * 10);
    pass(call * 10 + 5);
  }
  expect(breaker.standing(50)).toBe('healthy');
  fail(60);
  expect(breaker.standing(61)).toBe('open');
});

test('what the client did wrong and what has no room never counts', () => {
  for (let call = 0; call < 10; call++) {
    fail(call, 'client');
    fail(call, 'limited');
  }
  expect(breaker.standing(20)).toBe('healthy');
});

test('after its time two trials that pass close it, one that fails opens it for longer, up to eight seconds', () => {
  let nowMs = 0;
  fail(nowMs, 'connect');
  for (const openMs of [500, 1_000, 2_000, 4_000, 8_000, 8_000]) {
    expect(breaker.closedForMs(nowMs)).toBe(openMs);
    nowMs += openMs;
    expect(breaker.standing(nowMs)).toBe('half-open');
    fail(nowMs, 'connect');
    expect(breaker.standing(nowMs)).toBe('open');
  }
  nowMs += 8_000;
  pass(nowMs);
  expect(breaker.standing(nowMs)).toBe('half-open');
  pass(nowMs + 1);
  expect(breaker.standing(nowMs + 1)).toBe('healthy');
  fail(nowMs + 5_000, 'connect');
  expect(breaker.closedForMs(nowMs + 5_000)).toBe(500);
});

test('calls that were under way when it opened neither close it nor open it for longer', () => {
  fail(100, 'connect');
  breaker.succeeded(50, 650);
  breaker.succeeded(60, 651);
  expect(breaker.standing(652)).toBe('half-open');
  breaker.failed('broken', 70, 653);
  expect(breaker.standing(654)).toBe('half-open');
});

test('one trial at a time, unless it was lost', () => {
  fail(0, 'connect');
  expect(breaker.takeTrial(500)).toBe(true);
  expect(breaker.takeTrial(501)).toBe(false);
  pass(510);
  expect(breaker.takeTrial(511)).toBe(true);
  breaker.releaseTrial();
  expect(breaker.takeTrial(512)).toBe(true);
  expect(breaker.takeTrial(5_600)).toBe(true);
});

test('three calls that wait far too long, with none answered since the first, put it behind the others until one is', () => {
  breaker.succeeded(10, 20);
  for (const startedMs of [5, 11, 12]) breaker.noticeLate(startedMs);
  expect(breaker.standing(2_000)).toBe('healthy');
  breaker.noticeLate(13);
  expect(breaker.standing(2_000)).toBe('half-open');
  expect(breaker.seemsDead).toBe(true);
  breaker.succeeded(13, 2_001);
  expect(breaker.standing(2_002)).toBe('healthy');
});
