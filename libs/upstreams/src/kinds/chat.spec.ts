import { chat } from './chat';

test('what is left is the smaller of requests and tokens', () => {
  const headers = {
    'x-ratelimit-limit-requests': '4500',
    'x-ratelimit-remaining-requests': '4499',
    'x-ratelimit-limit-tokens': '450000',
    'x-ratelimit-remaining-tokens': '45000',
    'x-ratelimit-reset-tokens': '6m0s',
  };
  expect(chat.quotaLeft(headers)).toBe(0.1);
  expect(chat.quotaLeft({ 'content-type': 'application/json' })).toBeUndefined();
});
