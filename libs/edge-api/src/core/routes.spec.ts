import { matchRoute } from './routes';

function routeOf(url: string, headers = {}) {
  const match = matchRoute(url, headers);
  return match.found
    ? `${match.route.dialect} ${match.route.name} ${match.route.modelId ?? match.route.responseId ?? ''}`.trim()
    : match;
}

describe('routing by path', () => {
  it.each([
    ['/v1/messages', 'anthropic-messages messages'],
    ['/v1/messages?beta=true', 'anthropic-messages messages'],
    ['/anthropic/v1/messages', 'anthropic-messages messages'],
    ['/api/anthropic/v1/messages', 'anthropic-messages messages'],
    ['/api/anthropic/v1/v1/messages?beta=true', 'anthropic-messages messages'],
    ['/v1/v1/messages/', 'anthropic-messages messages'],
    ['//v1//messages', 'anthropic-messages messages'],
    ['/api/anthropic/v1/messages/count_tokens', 'anthropic-messages count-tokens'],
    ['/v1/messages/count_tokens?beta=true', 'anthropic-messages count-tokens'],
    ['/v1/chat/completions', 'openai-chat chat-completions'],
    ['/v1/v1/chat/completions', 'openai-chat chat-completions'],
    ['/api/openai/chat/completions', 'openai-chat chat-completions'],
    ['/api/openai/v1/chat/completions', 'openai-chat chat-completions'],
    ['/v1/responses', 'openai-responses responses'],
    ['/v1/v1/responses/', 'openai-responses responses'],
    ['/api/openai/responses', 'openai-responses responses'],
    ['/api/openai/v1/responses?stream=true', 'openai-responses responses'],
    ['/v1/responses/input_tokens', 'openai-responses input-tokens'],
    ['/api/openai/responses/input_tokens', 'openai-responses input-tokens'],
    ['/v1/responses/resp_1', 'openai-responses response resp_1'],
    ['/api/openai/responses/resp%5F1?include[]=x', 'openai-responses response resp_1'],
    ['/v1/v1/responses/resp_1/input_items?limit=2', 'openai-responses input-items resp_1'],
    ['/v1/responses/resp_1/cancel', 'openai-chat not-yet'],
    ['/api/openai/models', 'openai-chat models'],
    ['/api/openai/v1/models', 'openai-chat models'],
    ['/anthropic/v1/models', 'anthropic-messages models'],
    ['/v1/models', 'openai-chat models'],
    ['/api/v1/models', 'openai-chat catalog'],
    ['/api/hello', 'anthropic-messages hello'],
    ['/api/anthropic/api/hello', 'anthropic-messages hello'],
    ['/api/anthropic/v1/api/hello', 'anthropic-messages hello'],
    ['/api/openai/api/hello', 'anthropic-messages hello'],
    ['/api/openai/v1/api/hello', 'anthropic-messages hello'],
    ['/v1/api/hello', 'anthropic-messages hello'],
  ])('%s is %s', (url, expected) => {
    expect(routeOf(url)).toBe(expected);
  });

  it('tells the two shapes of /v1/models apart by the Anthropic headers', () => {
    expect(routeOf('/v1/models', { 'anthropic-version': '2023-06-01' })).toBe('anthropic-messages models');
    expect(routeOf('/v1/models', { 'x-api-key': 'k' })).toBe('anthropic-messages models');
  });

  it('takes model ids percent-encoded or with plain slashes', () => {
    expect(routeOf('/v1/models/anthropic%2Fclaude-sonnet-4.6')).toBe('openai-chat model anthropic/claude-sonnet-4.6');
    expect(routeOf('/v1/models/anthropic/claude-sonnet-4.6')).toBe('openai-chat model anthropic/claude-sonnet-4.6');
    expect(routeOf('/api/v1/models/openai%2Fgpt-5')).toBe('openai-chat catalog-model openai/gpt-5');
    expect(routeOf('/v1/models/100%')).toBe('openai-chat model 100%');
  });

  it.each([
    ['/messages', '/v1/messages', 'anthropic-messages'],
    ['/v1/message', '/v1/messages', 'anthropic-messages'],
    ['/v1/chat/completion', '/v1/chat/completions', 'openai-chat'],
    ['/chat/completions', '/v1/chat/completions', 'openai-chat'],
    ['/openai/v1/chat/completions', '/v1/chat/completions', 'openai-chat'],
    ['/responses', '/v1/responses', 'openai-responses'],
    ['/v1/response', '/v1/responses', 'openai-responses'],
    ['/v1/model', '/v1/models', 'openai-chat'],
  ])('%s is not found, and the answer names %s', (url, hint, dialect) => {
    expect(routeOf(url)).toEqual({ found: false, hint, dialect });
  });

  it('gives no hint for what is far from every path', () => {
    expect(routeOf('/wp-admin/setup.php')).toEqual({ found: false, hint: undefined, dialect: 'openai-chat' });
  });
});
