import { ApiFailure } from './api-failure';
import { hasFault, readScenario } from './scenario';

describe('readScenario', () => {
  it('reads settings from the model name, values percent-decoded, a bare name as 1', () => {
    const scenario = readScenario('sim-any;chunks=100;chunk_delay_ms=10;coalesce;text=a%3Bb%20c=d', {});
    expect(scenario).toMatchObject({ chunks: 100, chunkDelayMs: 10, coalesce: true, text: 'a;b c=d' });
  });

  it('lets headers win over the model name and ignores the request id header', () => {
    const headers = { 'x-sim-first-token-ms': '7', 'x-sim-request-id': 'abc', 'x-other': '1' };
    expect(readScenario('sim-any;first_token_ms=3', headers).firstTokenMs).toBe(7);
  });

  it('lets the behaviour of the process win over both', () => {
    const settings = [['status', '500'] as const];
    expect(readScenario('m;status=429;chunks=3', { 'x-sim-status': '503' }, settings)).toMatchObject({
      status: 500,
      chunks: 3,
    });
  });

  it.each([
    ['truncate=3', { after: 3, how: 'clean' }],
    ['truncate=reset', { after: 1, how: 'reset' }],
    ['truncate=0,close', { after: 0, how: 'close' }],
  ])('reads %s', (setting, expected) => {
    expect(readScenario(`m;${setting}`, {}).truncate).toEqual(expected);
  });

  it.each(['m;chunk=3', 'm;chunks=many', 'm;status=200', 'm;truncate=softly', 'm;text=%zz', 'm;constructor=1'])(
    'refuses %s instead of answering as if nothing had been asked',
    (model) => {
      expect(() => readScenario(model, {})).toThrow(ApiFailure);
    },
  );

  it('sees no fault in settings that only shape a healthy answer', () => {
    expect(hasFault(readScenario('m;chunks=3;split=1;gzip;fail_first=2', {}))).toBe(false);
    expect(hasFault(readScenario('m;malformed=0', {}))).toBe(true);
  });
});
