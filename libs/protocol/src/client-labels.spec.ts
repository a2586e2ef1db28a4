import { readClientMetadata, readEndUser } from './client-labels';
import type { DialectId } from './dialect';
import { sniffRequest } from './sniff';

function sniffed(members: object | string) {
  const body = Buffer.from(typeof members === 'string' ? members : JSON.stringify(members));
  const request = sniffRequest(body);
  if (!request.ok) throw new Error(request.fault.message);
  return [body, request] as const;
}
const user = (members: object | string, dialect: DialectId = 'openai-chat') =>
  readEndUser(...sniffed(members), dialect);
const metadata = (members: object | string, dialect: DialectId = 'openai-chat') =>
  readClientMetadata(...sniffed(members), dialect);

describe('whom a client asks for', () => {
  it('is what its dialect says, wherever in the body', () => {
    expect(user({ messages: [], metadata: { user_id: 'jane' } }, 'anthropic-messages')).toBe('jane');
    expect(user({ user: 'jane', messages: [] })).toBe('jane');
    expect(user('{"\\u0075ser":"j\\u00e4ne"}')).toBe('jäne');
  });

  it('is the newer of both names of Chat', () => {
    expect(user({ user: 'old', safety_identifier: 'new' })).toBe('new');
    expect(user({ user: 'old', safety_identifier: null })).toBe('old');
  });

  it('is the same in Responses as in Chat', () => {
    expect(user({ user: 'old', safety_identifier: 'new' }, 'openai-responses')).toBe('new');
    expect(user({ user: 'old', input: 'hi' }, 'openai-responses')).toBe('old');
  });

  it('is not what the other dialect calls it', () => {
    expect(user({ metadata: { user_id: 'jane' } })).toBeUndefined();
    expect(user({ user: 'jane', metadata: { user: 'x' } }, 'anthropic-messages')).toBeUndefined();
  });

  it.each([
    ['nothing', {}],
    ['null', { user: null }],
    ['no text', { user: { id: 1 } }],
    ['an empty text', { user: '' }],
    ['a text that is no JSON', '{"user":"\\x"}'],
    ['more than 1 KiB', { user: 'x'.repeat(1_023) }],
  ])('is nobody where it says %s', (_, members) => {
    expect(user(members)).toBeUndefined();
  });

  it('may take all of 1 KiB', () => {
    expect(user({ user: 'x'.repeat(1_022) })).toHaveLength(1_022);
  });

  it('is of the last of several, as a parser reads them', () => {
    const twice = '{"metadata":{"user_id":"first"},"metadata":{"user_id":"last"}}';
    expect(user(twice, 'anthropic-messages')).toBe('last');
    expect(user('{"metadata":{"user_id":"first"},"metadata":{}}', 'anthropic-messages')).toBeUndefined();
  });
});

describe('what a client attaches to a call', () => {
  it('is every text of it', () => {
    expect(metadata({ metadata: { team: 'search', run: '4', 'a"b': 'ü' } })).toEqual({
      team: 'search',
      run: '4',
      'a"b': 'ü',
    });
    expect(metadata({ metadata: { team: 'search', count: 3, deep: {}, none: null } })).toEqual({ team: 'search' });
  });

  it('is the same in Responses as in Chat', () => {
    expect(metadata({ metadata: { team: 'search' } }, 'openai-responses')).toEqual({ team: 'search' });
  });

  it('may be named like something that every object has', () => {
    const given = metadata('{"metadata":{"__proto__":"a","constructor":"b"}}');
    expect(JSON.stringify(given)).toBe('{"__proto__":"a","constructor":"b"}');
  });

  it.each([
    ['there is none', {}],
    ['it is null', { metadata: null }],
    ['it is a list', { metadata: ['a'] }],
    ['it holds no text', { metadata: { count: 3 } }],
    ['it is longer than 4 KiB', { metadata: { a: 'x'.repeat(4_090) } }],
  ])('is nothing where %s', (_, members) => {
    expect(metadata(members)).toBeUndefined();
  });

  it('is nothing of Messages, where it is who asks', () => {
    expect(metadata({ metadata: { user_id: 'jane' } }, 'anthropic-messages')).toBeUndefined();
  });
});
