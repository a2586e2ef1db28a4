import { unwellEnding } from './evidence';

it('takes a call for well only where a whole reply came', () => {
  expect(unwellEnding({ status: 200, finish: 'tool-calls' })).toBeUndefined();
  expect(unwellEnding({ status: 200, finish: 'upstream_error' })).toBe('200 upstream_error');
  expect(unwellEnding({ status: 429, finish: 'stop' })).toBe('429 stop');
});
