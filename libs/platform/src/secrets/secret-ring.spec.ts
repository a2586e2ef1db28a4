import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { provideSecretRing, readSecretRing } from './secret-ring';

const FIRST = Buffer.alloc(32, 0xfb);
const SECOND = Buffer.alloc(32, 2);
const BOTH = `k2:${FIRST.toString('base64')},k1:${SECOND.toString('base64')}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-ring-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const both = {
  ok: true,
  ring: [
    { id: 'k2', key: FIRST },
    { id: 'k1', key: SECOND },
  ],
};

test('a ring keeps the order of its variable: the first is current', () => {
  expect(readSecretRing('KEK', { KEK: ` ${BOTH}\n` })).toEqual(both);
});

test('either alphabet of base64 is taken', () => {
  const urlSafe = FIRST.toString('base64url');
  expect(urlSafe).toContain('_');
  expect(readSecretRing('KEY_PEPPER', { KEY_PEPPER: `a:${urlSafe}` })).toEqual({
    ok: true,
    ring: [{ id: 'a', key: FIRST }],
  });
});

test.each([',', '\n', ',\n', '\r\n'])('a file holds the same, parted by %j', (separator) => {
  const file = path.join(folder, 'kek');
  writeFileSync(file, `${BOTH.replace(',', separator)}\n`);
  expect(readSecretRing('KEK', { KEK_FILE: file, KEK: '' })).toEqual(both);
});

const SECRET = FIRST.toString('base64');
const SHORT = FIRST.subarray(0, 16).toString('base64');

test.each([
  ['nothing', {}, 'KEK: required'],
  ['both', { KEK: BOTH, KEK_FILE: '/some/file' }, 'KEK: give it or KEK_FILE, not both'],
  ['a file that is not there', { KEK_FILE: '/nowhere/kek' }, 'KEK_FILE: /nowhere/kek cannot be read (ENOENT)'],
  ['a secret without id', { KEK: SECRET }, 'KEK: entry 1 must be id:base64'],
  ['an empty id', { KEK: `:${SECRET}` }, 'KEK: entry 1 must be id:base64'],
  ['an id with a dot', { KEK: `a.b:${SECRET}` }, 'KEK: entry 1 must be id:base64'],
  ['an id of 33', { KEK: `${'a'.repeat(33)}:${SECRET}` }, 'KEK: entry 1 must be id:base64'],
  ['a duplicate id', { KEK: `a:${SECRET},a:${SECRET}` }, 'KEK: the id a is there twice'],
  ['a short secret', { KEK: `a:${SECRET},b:${SHORT}` }, 'KEK: entry 2 (b) holds 16 bytes, must be 32'],
  ['no base64', { KEK: `a:hunter2!${SECRET}` }, 'KEK: entry 1 (a) is not base64'],
  ['only commas', { KEK: ' , ,' }, 'KEK: is empty'],
])('%s is a fault that shows no value', (_, env, fault) => {
  const read = readSecretRing('KEK', env);
  expect(read).toEqual({ ok: false, fault: expect.stringContaining(fault) });
  expect(JSON.stringify(read)).not.toMatch(new RegExp(`hunter2|${SHORT.slice(0, 12).replaceAll('+', '\\+')}`));
});

test('a provided ring is made once, for its owner alone, and read afterwards', () => {
  const file = path.join(folder, 'deeper', 'kek');
  const [made, ...others] = provideSecretRing(file);
  expect(others).toEqual([]);
  expect(made.key).toHaveLength(32);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(provideSecretRing(file)).toEqual([made]);
  expect(readSecretRing('KEK', { KEK_FILE: file })).toEqual({ ok: true, ring: [made] });
  expect(readdirSync(path.dirname(file))).toEqual(['kek']);
  expect(provideSecretRing(path.join(folder, 'another'))[0].key).not.toEqual(made.key);
});

test('a damaged file is named, and never replaced', () => {
  const file = path.join(folder, 'kek');
  writeFileSync(file, 'a:AAAA\n');
  chmodSync(file, 0o600);
  expect(() => provideSecretRing(file)).toThrow('kek: entry 1 (a) holds 3 bytes');
  expect(readFileSync(file, 'utf8')).toBe('a:AAAA\n');
});
