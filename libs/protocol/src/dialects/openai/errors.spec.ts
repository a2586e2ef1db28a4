import { decodeError, encodeError } from './errors';

describe('decodeError', () => {
  it.each([
    [
      'OpenAI',
      400,
      '{"error":{"message":"Bad","type":"invalid_request_error","param":"messages","code":"bad"}}',
      { type: 'invalid_request_error', message: 'Bad', param: 'messages', code: 'bad' },
    ],
    [
      'a bare string',
      400,
      '{"error":"model not found"}',
      { type: 'invalid_request_error', message: 'model not found' },
    ],
    [
      'vLLM',
      400,
      '{"object":"error","message":"Too long","type":"BadRequestError","param":null,"code":400}',
      { type: 'BadRequestError', message: 'Too long', code: '400' },
    ],
    [
      'Anthropic',
      529,
      '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
      { type: 'overloaded_error', message: 'Overloaded' },
    ],
    [
      'Gemini',
      429,
      '[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]',
      { type: 'rate_limit_exceeded', message: 'Quota', code: '429' },
    ],
    ['FastAPI', 404, '{"detail":"Not Found"}', { type: 'not_found_error', message: 'Not Found' }],
    [
      'a validator',
      422,
      '{"detail":[{"loc":["body","n"],"msg":"n is too large"},{"msg":"stop is no list"}]}',
      { type: 'invalid_request_error', message: 'n is too large; stop is no list' },
    ],
    ['plain text', 503, 'upstream connect error', { type: 'server_error', message: 'upstream connect error' }],
    [
      'HTML',
      502,
      '<html><body>nginx/1.2 at 10.0.0.1</body></html>',
      { type: 'server_error', message: 'The upstream answered with status 502 and no readable error.' },
    ],
    [
      'nothing',
      401,
      '',
      { type: 'authentication_error', message: 'The upstream answered with status 401 and no readable error.' },
    ],
  ])('reads the error of %s', (_, status, body, expected) => {
    expect(decodeError(status, body)).toEqual({ status, ...expected });
  });
});

describe('encodeError', () => {
  const error = { message: 'No', anthropicType: 'api_error', openaiType: 'server_error', requestId: 'r' };

  it('writes every member, null where there is nothing', () => {
    expect(encodeError(error)).toEqual({ error: { message: 'No', type: 'server_error', param: null, code: null } });
    expect(encodeError({ ...error, param: 'n', openaiCode: 'c' })).toMatchObject({ error: { param: 'n', code: 'c' } });
  });
});
