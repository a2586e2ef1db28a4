import { anthropicMessages } from './dialect';

const decode = (status: number, body: string) => anthropicMessages.decodeError(status, body);

describe('decodeError of Anthropic Messages', () => {
  it('keeps the upstream’s words to the letter', () => {
    const message = 'prompt is too long: 210000 tokens > 200000 maximum';
    expect(
      decode(
        400,
        JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message }, request_id: 'r' }),
      ),
    ).toEqual({
      status: 400,
      type: 'invalid_request_error',
      message,
    });
  });

  it('reads what compatible servers answer', () => {
    expect(
      decode(429, '{"error":{"message":"slow","type":"tokens","code":"rate_limit_exceeded","param":"n"}}'),
    ).toEqual({
      status: 429,
      type: 'tokens',
      message: 'slow',
      code: 'rate_limit_exceeded',
      param: 'n',
    });
    expect(decode(404, '{"error":"model not found"}')).toEqual({
      status: 404,
      type: 'not_found_error',
      message: 'model not found',
    });
    expect(decode(422, '{"detail":"bad field"}').message).toBe('bad field');
    expect(decode(500, '{"message":"oops","code":7}')).toMatchObject({ message: 'oops', code: '7', type: 'api_error' });
  });

  it.each(['', '<html>nginx at 10.0.0.1</html>', 'Error: at /srv/app.js:1', '[]', '{}', '{"error":null}', '"text"'])(
    'says only the status where the body is %j',
    (body) => {
      expect(decode(502, body)).toEqual({
        status: 502,
        type: 'api_error',
        message: 'The upstream answered with status 502',
      });
    },
  );

  it.each([
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [413, 'request_too_large'],
    [418, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [504, 'timeout_error'],
    [529, 'overloaded_error'],
    [500, 'api_error'],
  ])('words status %i as %s', (status, type) => {
    expect(decode(status, '').type).toBe(type);
  });

  it('writes a stream error as one whole event', () => {
    const error = { message: 'a\nb', anthropicType: 'api_error', openaiType: 'server_error', requestId: 'req_1' };
    expect(anthropicMessages.encodeStreamError(error)).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"a\\nb"},"request_id":"req_1"}\n\n',
    );
  });
});
