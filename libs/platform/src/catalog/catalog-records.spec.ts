import { randomBytes } from 'node:crypto';
import { simulatorConfig } from '../config/first-run';
import { createSealer } from '../secrets/sealer';
import { decodeProvider, encodeProvider } from './catalog-records';

const config = simulatorConfig({ simulatorUrl: 'http://127.0.0.1:9999', demoKeyHash: 'ab'.repeat(32) });
const provider = { ...config.providers[0]!, apiKey: 'sk-very-secret', headers: { 'x-token': 'also-secret' } };
const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }]);

test('a provider travels with its secrets sealed, opens as it was, and without a sealer comes without them', () => {
  const record = encodeProvider(provider, sealer);
  expect(JSON.stringify(record)).not.toMatch(/secret/);
  expect(decodeProvider(record, sealer)).toEqual(provider);
  const { apiKey: _, ...open } = provider;
  expect(decodeProvider(record)).toEqual({ ...open, headers: {} });
  expect(decodeProvider(encodeProvider({ ...open, headers: {} }, sealer), sealer)).not.toHaveProperty('apiKey');
});

test('the sealed part of one provider does not open as that of another', () => {
  const stolen = { ...encodeProvider(provider, sealer), id: 'other' };
  expect(() => decodeProvider(stolen, sealer)).toThrow('not what was sealed');
});

test('a sealed part that is no secrets record is refused without quoting it', () => {
  const record = encodeProvider(provider, sealer);
  const holding = (text: string) => ({ ...record, sealed: sealer.seal(text, `provider:${provider.id}`) });
  expect(() => decodeProvider(holding('sk-oops'), sealer)).toThrow('its sealed part is not JSON');
  expect(() => decodeProvider(holding('null'), sealer)).toThrow('holds no provider secrets');
});
