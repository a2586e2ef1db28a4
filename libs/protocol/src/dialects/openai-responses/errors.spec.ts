import type { WireError } from '../../dialect';
import { SseDecoder } from '../../sse/decoder';
import { encodeStreamError, errorEvent, failedEvent, failureOfError, failureOfStream } from './errors';

const ERROR: WireError = { message: 'No', anthropicType: 'api_error', openaiType: 'server_error', requestId: 'r1' };

function events(text: string): unknown[] {
  return new SseDecoder()
    .push(Buffer.from(text))
    .map(({ event, data }) => ({ event, data: JSON.parse(data) as unknown }));
}

describe('the end of a failed stream', () => {
  it('is `error` and then `response.failed`, for the clients that read only one of them', () => {
    expect(events(encodeStreamError({ ...ERROR, param: 'input' }))).toEqual([
      {
        event: 'error',
        data: { type: 'error', sequence_number: 0, code: 'server_error', message: 'No', param: 'input' },
      },
      {
        event: 'response.failed',
        data: {
          type: 'response.failed',
          sequence_number: 1,
          response: expect.objectContaining({
            id: 'resp_r1',
            object: 'response',
            status: 'failed',
            error: { code: 'server_error', message: 'No' },
            output: [],
          }) as unknown,
        },
      },
    ]);
  });

  it('goes on with the number and the response told so far', () => {
    const failure = failureOfStream({ kind: 'truncated', message: 'Broke off' });
    expect(events(errorEvent(failure, 7) + failedEvent({ id: 'resp_2', output: ['x'] }, failure, 8))).toMatchObject([
      { data: { sequence_number: 7, message: 'Broke off', param: null } },
      { data: { sequence_number: 8, response: { id: 'resp_2', output: ['x'], status: 'failed' } } },
    ]);
  });

  it.each<[Partial<WireError>, string]>([
    [{ openaiType: 'rate_limit_exceeded', openaiCode: 'tokens' }, 'rate_limit_exceeded'],
    [{ openaiType: 'insufficient_quota', openaiCode: 'insufficient_credits' }, 'insufficient_quota'],
    [{ openaiType: 'invalid_request_error', openaiCode: 'context_length_exceeded' }, 'context_length_exceeded'],
    [{ openaiType: 'invalid_request_error', openaiCode: null }, 'invalid_prompt'],
    [{ openaiType: 'server_error', openaiCode: 'upstream_timeout' }, 'server_error'],
    [{ openaiType: 'unheard_of' }, 'server_error'],
  ])('has a code that clients know for %j', (words, code) => {
    expect(failureOfError({ ...ERROR, ...words }).code).toBe(code);
  });

  it.each([
    ['rate_limit_error', 'rate_limit_exceeded'],
    ['rate_limit_exceeded', 'rate_limit_exceeded'],
    ['overloaded_error', 'server_error'],
    ['invalid_request_error', 'invalid_prompt'],
    [undefined, 'server_error'],
  ])('has a code that clients know for what an upstream calls %s', (type, code) => {
    expect(failureOfStream({ kind: 'upstream', message: 'x', ...(type !== undefined && { type }) }).code).toBe(code);
  });
});
