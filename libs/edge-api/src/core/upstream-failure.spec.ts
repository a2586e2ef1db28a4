import { finalError, isRetryableElsewhere, upstreamRejection, type UpstreamFailure } from './upstream-failure';

const failure = (changes: Partial<UpstreamFailure>): UpstreamFailure => ({
  provider: 'one',
  kind: 'rejected',
  ...changes,
});

describe('what is told when every candidate failed', () => {
  it('is a rate limit where all of them limit, with the shortest wait they asked for', () => {
    const error = finalError([
      failure({ status: 429, retryAfterSeconds: 30, error: { status: 429, type: 'rate_limit_error', message: 'one' } }),
      failure({ status: 429, retryAfterSeconds: 7, error: { status: 429, type: 'rate_limit_error', message: 'two' } }),
    ]);
    expect(error.code).toBe('rate_limited_requests');
    expect(error.publicMessage).toBe('two');
    expect(error.extra.retryAfterSeconds).toBe(7);
  });

  it('is an overload where all are limited or overloaded', () => {
    expect(finalError([failure({ status: 429 }), failure({ status: 529 })]).code).toBe('upstream_overloaded');
    expect(finalError([failure({ status: 503 })]).code).toBe('upstream_overloaded');
  });

  it('is a timeout where the last one hung', () => {
    expect(finalError([failure({ status: 500 }), failure({ kind: 'timeout' })]).code).toBe('upstream_timeout');
  });

  it('never shows the client the gateway’s own credential troubles', () => {
    const refused = failure({ status: 401, error: { status: 401, type: 'x', message: 'Incorrect API key: sk-123' } });
    const error = finalError([refused]);
    expect(error.code).toBe('upstream_error');
    expect(error.publicMessage).not.toContain('sk-123');
  });

  it('is the upstream’s own words for a model it does not know', () => {
    const unknown = failure({ status: 404, error: { status: 404, type: 'not_found_error', message: 'model: x' } });
    expect(finalError([unknown]).extra).toMatchObject({ status: 404, type: 'not_found_error' });
  });

  it('is a shutdown, to be tried again, where the gateway itself gave up', () => {
    const error = finalError([failure({ status: 500 }), failure({ kind: 'shutdown' })]);
    expect(error.code).toBe('shutting_down');
    expect(error.extra.retryAfterSeconds).toBe(1);
  });

  it('never shows what broke inside', () => {
    const error = finalError([failure({ kind: 'connect', cause: new Error('connect ECONNREFUSED 10.2.3.4:443') })]);
    expect(error.publicMessage).toBe('The upstream could not be reached.');
  });
});

describe('an upstream’s refusal of the request', () => {
  it.each([400, 405, 409, 413, 415, 422])('%i is not tried elsewhere', (status) => {
    expect(isRetryableElsewhere(status)).toBe(false);
  });

  it.each([401, 402, 403, 404, 408, 429, 500, 502, 503, 529])('%i is tried elsewhere', (status) => {
    expect(isRetryableElsewhere(status)).toBe(true);
  });

  it('keeps status, type, words, parameter and code', () => {
    const error = upstreamRejection({ status: 422, type: 'bad', message: 'no', param: 'messages', code: 'c' });
    expect(error.publicMessage).toBe('no');
    expect(error.extra).toEqual({ status: 422, type: 'bad', param: 'messages', openaiCode: 'c' });
  });
});
