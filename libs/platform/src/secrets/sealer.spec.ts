import { randomBytes } from 'node:crypto';
import { createSealer, SealError } from './sealer';
import type { SecretRingEntry } from './secret-ring';

const OLD: SecretRingEntry = { id: 'k1', key: randomBytes(32) };
const NEW: SecretRingEntry = { id: 'k2', key: randomBytes(32) };
const CONTEXT = 'provider/openai';
const PLAINTEXT = '{"apiKey":"sk-hunter2 ✓"}';

function errorOf(act: () => unknown): SealError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SealError);
    return error as SealError;
  }
  throw new Error('it opened');
}

/** The sealed text with one bit of its `index`th byte (iv, tag, ciphertext) flipped. */
function flipped(sealed: string, index: number): string {
  const [version, keyId, encoded] = sealed.split('.') as [string, string, string];
  const box = Buffer.from(encoded, 'base64url');
  box[index]! ^= 1;
  return [version, keyId, box.toString('base64url')].join('.');
}

test.each([PLAINTEXT, '', 'x'.repeat(100_000)])('what was sealed opens again (%#)', (plaintext) => {
  const sealer = createSealer([NEW]);
  const sealed = sealer.seal(plaintext, CONTEXT);
  expect(sealed).toMatch(/^v1\.k2\.[A-Za-z0-9_-]+$/);
  expect(sealed).not.toContain('hunter2');
  expect(sealer.open(sealed, CONTEXT)).toBe(plaintext);
});

test('the same text sealed twice looks different', () => {
  const sealer = createSealer([NEW]);
  expect(sealer.seal(PLAINTEXT, CONTEXT)).not.toBe(sealer.seal(PLAINTEXT, CONTEXT));
});

test('it opens only in the place it was sealed for', () => {
  const sealer = createSealer([NEW]);
  const error = errorOf(() => sealer.open(sealer.seal(PLAINTEXT, CONTEXT), 'provider/other'));
  expect(error).toMatchObject({ reason: 'not_authentic', keyId: 'k2' });
  expect(error.message).not.toContain('hunter2');
});

test('no altered byte of it opens', () => {
  const sealer = createSealer([NEW]);
  const sealed = sealer.seal(PLAINTEXT, CONTEXT);
  const bytes = 12 + 16 + Buffer.byteLength(PLAINTEXT);
  for (let index = 0; index < bytes; index++) {
    expect(errorOf(() => sealer.open(flipped(sealed, index), CONTEXT)).reason).toBe('not_authentic');
  }
});

test.each([
  ['cut short within its tag', (encoded: string) => `v1.k2.${encoded.slice(0, 20)}`, 'malformed'],
  ['padded', (encoded: string) => `v1.k2.${encoded}=`, 'malformed'],
  ['lengthened', (encoded: string) => `v1.k2.${encoded.slice(0, -1)}AAAAA`, 'not_authentic'],
  ['of another version', (encoded: string) => `v2.k2.${encoded}`, 'malformed'],
  ['without its key', (encoded: string) => encoded, 'malformed'],
  ['empty', () => '', 'malformed'],
])('%s it does not open', (_, alter, reason) => {
  const sealer = createSealer([NEW]);
  const [, , encoded] = sealer.seal('ab', CONTEXT).split('.') as [string, string, string];
  expect(errorOf(() => sealer.open(alter(encoded), CONTEXT)).reason).toBe(reason);
});

test('no other spelling of the same bytes opens', () => {
  const sealer = createSealer([NEW]);
  // 29 bytes: the last character carries bits that decoding ignores.
  const sealed = sealer.seal('a', CONTEXT);
  const bytes = Buffer.from(sealed.slice('v1.k2.'.length), 'base64url');
  const respelled = sealed.slice(0, -1) + String.fromCharCode(sealed.charCodeAt(sealed.length - 1) + 1);
  expect(Buffer.from(respelled.slice('v1.k2.'.length), 'base64url')).toEqual(bytes);
  expect(errorOf(() => sealer.open(respelled, CONTEXT)).reason).toBe('malformed');
});

test('after a rotation the old key still opens, and what is new is sealed under the new one', () => {
  const before = createSealer([OLD]).seal(PLAINTEXT, CONTEXT);
  const rotated = createSealer([NEW, OLD]);
  expect(rotated.open(before, CONTEXT)).toBe(PLAINTEXT);
  expect(rotated.keyIdOf(before)).toBe('k1');
  expect(rotated.currentKeyId).toBe('k2');
  expect(rotated.keyIdOf(rotated.seal(PLAINTEXT, CONTEXT))).toBe('k2');
});

test('a key that left the ring is named', () => {
  const before = createSealer([OLD]).seal(PLAINTEXT, CONTEXT);
  const error = errorOf(() => createSealer([NEW]).open(before, CONTEXT));
  expect(error).toMatchObject({ reason: 'unknown_key', keyId: 'k1' });
  expect(error.message).toContain('k1');
});

test('another key under the same id does not open', () => {
  const before = createSealer([OLD]).seal(PLAINTEXT, CONTEXT);
  const error = errorOf(() => createSealer([{ ...NEW, id: 'k1' }]).open(before, CONTEXT));
  expect(error.reason).toBe('not_authentic');
});

/** AES-256-GCM by another implementation (Python's cryptography): the IV twelve times 7. */
test('sealed text of any release opens', () => {
  const sealer = createSealer([{ id: 'golden', key: Buffer.from([...Array(32).keys()]) }]);
  expect(sealer.open('v1.golden.BwcHBwcHBwcHBwcH0wgQ04aIRn32w32gyogWFHRIxywGRLKN5Kcx8-t8xbnc', 'provider/golden')).toBe(
    '{"apiKey":"sk-1"}',
  );
});
