import { credentialsOf, loggedPrompt, loggedText } from './call-texts';

const KEY = 'cm_live_größe😀_0123456789';
const MAX = 64 * 1024;

test('credentials are what either header holds, and nothing so short that it is in any text', () => {
  expect(credentialsOf({ 'x-api-key': [KEY], authorization: 'Bearer another-key' })).toEqual([KEY, 'another-key']);
  expect(credentialsOf({ 'x-api-key': 'user', authorization: 'Basic dXNlcjpwYXNz' })).toEqual([]);
});

test('a text has no credentials, and is not longer than it may be', () => {
  expect(loggedText(`${KEY} and ${KEY}`, [KEY])).toBe('[credential] and [credential]');
  expect(loggedText('x'.repeat(600), [])).toHaveLength(512);
});

test('a prompt that fits is whole', () => {
  expect(loggedPrompt(Buffer.from('x'.repeat(MAX)), [KEY])).toEqual({ prompt: 'x'.repeat(MAX) });
});

test('wherever a prompt is cut, no part of a credential and no half of a character is left', () => {
  const bytes = Buffer.byteLength(KEY);
  for (let before = MAX - bytes - 2; before <= MAX + 2; before++) {
    const body = Buffer.from(`${'x'.repeat(before)}${KEY}${'y'.repeat(100)}`);
    const { prompt, promptTruncated } = loggedPrompt(body, [KEY]);
    expect(promptTruncated).toBe(true);
    expect(prompt).toMatch(/^x+(\[credential\]y*)?$/);
    expect(prompt.includes('[')).toBe(before + bytes <= MAX);
    expect(Buffer.byteLength(prompt)).toBeLessThanOrEqual(MAX);
  }
});
