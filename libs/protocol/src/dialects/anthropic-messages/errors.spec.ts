import { encodeError } from './errors';

const WIRE_ERROR = {
  message: 'no threads here',
  anthropicType: 'invalid_request_error',
  openaiType: 'invalid_request_error',
  openaiCode: null,
  param: null,
  requestId: 'req_1',
};

describe('an Anthropic error body', () => {
  it('has the words, their type and the request id', () => {
    expect(encodeError(WIRE_ERROR)).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: 'no threads here' },
      request_id: 'req_1',
    });
  });

  it('keeps what programs read in details of its own, where the SDK looks for the error code', () => {
    const details = { error_code: 'thread_unsupported_request' };
    expect(encodeError({ ...WIRE_ERROR, details })['error']).toMatchObject({ details });
  });
});
