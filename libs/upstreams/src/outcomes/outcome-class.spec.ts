import { classOfFailure, classOfStatus, isFailure } from './outcome-class';

test.each([
  [200, 'ok', false],
  [400, 'client', false],
  [401, 'account', true],
  [402, 'account', true],
  [403, 'account', true],
  [404, 'missing', true],
  [408, 'timeout', true],
  [413, 'client', false],
  [422, 'client', false],
  [429, 'limited', false],
  [500, 'failed', true],
  [529, 'failed', true],
] as const)('status %i is %s', (status, outcome, failure) => {
  expect(classOfStatus(status)).toBe(outcome);
  expect(isFailure(outcome)).toBe(failure);
});

test('what was never sent, or left by us, says nothing of the upstream', () => {
  for (const kind of ['saturated', 'shutdown', 'gateway'] as const) expect(classOfFailure({ kind })).toBeUndefined();
  expect(classOfFailure({ kind: 'rejected', status: 503 })).toBe('failed');
  expect(classOfFailure({ kind: 'connect' })).toBe('connect');
});
