import { SealError } from './sealer';
import type { SecretRingEntry } from './secret-ring';
import { createTenantSealer } from './tenant-sealer';

const first: SecretRingEntry = { id: 'k1', key: Buffer.alloc(32, 1) };
const second: SecretRingEntry = { id: 'k2', key: Buffer.alloc(32, 2) };
const content = Buffer.from('what the moon is made of');

const reasonOf = (open: () => unknown): string => {
  try {
    open();
  } catch (error) {
    if (error instanceof SealError) return error.reason;
    throw error;
  }
  return 'it opened';
};

test('what is sealed opens for its tenant at its place, and the same content twice looks different', () => {
  const sealer = createTenantSealer([first]);
  const sealed = sealer.seal(content, 'acme', 'response:resp_1');
  expect(sealer.open(sealed, 'acme', 'response:resp_1')).toEqual(content);
  expect(sealer.seal(content, 'acme', 'response:resp_1')).not.toEqual(sealed);
  expect(sealed.includes('moon')).toBe(false);
  expect(sealer.open(sealer.seal(Buffer.alloc(0), 'a', 'b'), 'a', 'b')).toHaveLength(0);
});

test('another tenant, another place, an altered byte: it does not open', () => {
  const sealer = createTenantSealer([first]);
  const sealed = sealer.seal(content, 'acme', 'response:resp_1');
  expect(reasonOf(() => sealer.open(sealed, 'other', 'response:resp_1'))).toBe('not_authentic');
  expect(reasonOf(() => sealer.open(sealed, 'acme', 'response:resp_2'))).toBe('not_authentic');
  const altered = Buffer.from(sealed);
  altered[altered.length - 1]! ^= 1;
  expect(reasonOf(() => sealer.open(altered, 'acme', 'response:resp_1'))).toBe('not_authentic');
  for (const cut of [0, 1, 2, 20])
    expect(reasonOf(() => sealer.open(sealed.subarray(0, cut), 'acme', ''))).toBe('malformed');
});

test('a new key takes over, and the old one opens what it sealed for as long as it is in the ring', () => {
  const sealed = createTenantSealer([first]).seal(content, 'acme', 'response:resp_1');
  expect(createTenantSealer([second, first]).open(sealed, 'acme', 'response:resp_1')).toEqual(content);
  expect(reasonOf(() => createTenantSealer([second]).open(sealed, 'acme', 'response:resp_1'))).toBe('unknown_key');
});

test('the form is a promise to what is stored', () => {
  const golden = Buffer.from('AQJrMQcHBwcHBwcHBwcHB6azDemJaEH/YnPfHaOP91hbaBnQh3n2BYEQmWV/LzmGObuqY410MGo=', 'base64');
  expect(createTenantSealer([first]).open(golden, 'acme', 'response:resp_1')).toEqual(content);
});
