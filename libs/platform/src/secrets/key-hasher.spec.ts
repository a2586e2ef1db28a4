import { createKeyHasher } from './key-hasher';

const CURRENT = { id: 'p2', key: Buffer.from([...Array(32).keys()]) };
const OLDER = { id: 'p1', key: Buffer.alloc(32, 9) };
/** SHA-256 of `sk-sb_test_abc`. */
const SHA256 = '97b4888ee53f3d7862c5b8fd394d6ee42503bdfe889b45a1e37cbcf9f9cdebb0';

/** By `openssl dgst -sha256 -mac HMAC` over the 64 hex digits, under the bytes 0 to 31. */
const GOLDEN = '6ef90fe1b924c3a2af72846dd103b98d4ff43079ff3fd0c3b4a28522e56c989a';

test('the stored hash is the HMAC of the hex digits, the same in every release', () => {
  expect(createKeyHasher([CURRENT]).current(SHA256)).toEqual({ hash: GOLDEN, pepperId: 'p2' });
});

test('after a rotation a key is looked for under every pepper, the current one first', () => {
  const before = createKeyHasher([OLDER]).current(SHA256);
  expect(createKeyHasher([CURRENT, OLDER]).candidates(SHA256)).toEqual([{ hash: GOLDEN, pepperId: 'p2' }, before]);
  expect(createKeyHasher([CURRENT, OLDER]).current(SHA256).pepperId).toBe('p2');
});

test.each(['', SHA256.toUpperCase(), SHA256.slice(1), `${SHA256}\n`, 'sk-sb_test_abc'])(
  'what is no lower-case hex SHA-256 is refused, and not repeated (%#)',
  (text) => {
    const { current, candidates } = createKeyHasher([CURRENT]);
    expect(() => current(text)).toThrow(new RangeError('not a SHA-256 in lower-case hex'));
    expect(() => candidates(text)).toThrow(RangeError);
  },
);

test('hashes are the same only when every character is', () => {
  const { sameHash } = createKeyHasher([CURRENT]);
  expect(sameHash(GOLDEN, `${GOLDEN}`)).toBe(true);
  expect(sameHash(GOLDEN, `${GOLDEN.slice(0, -1)}b`)).toBe(false);
  expect(sameHash(GOLDEN, GOLDEN.slice(0, -1))).toBe(false);
  expect(sameHash(GOLDEN, '')).toBe(false);
});
