import { encodeStreamError } from './errors';

describe('encodeStreamError', () => {
  it('is one event without a name', () => {
    const error = { message: 'No', anthropicType: 'api_error', openaiType: 'server_error', requestId: 'r' };
    expect(encodeStreamError(error)).toBe(
      'data: {"error":{"message":"No","type":"server_error","param":null,"code":null}}\n\n',
    );
  });
});
