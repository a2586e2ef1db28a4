import type { UsageIntent, UsageRecordedV1 } from '@switchboard/contracts';
import fc from 'fast-check';
import { event } from '../__fixtures__/usage-events';
import { encodeIntent, encodeUsage } from './usage-json';

/** All members, so that a new one that is not written fails to compile here, or else below. */
const record: Required<UsageRecordedV1> = {
  ...(event('req_1') as Required<UsageRecordedV1>),
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};
const intent: Required<UsageIntent> = {
  ...{ requestId: 'req_1', tenantId: 'acme', keyId: 'key_1', requestedModel: 'sonnet', model: 'm', upstream: 'u' },
  ...{
    clientDialect: 'openai-chat',
    upstreamDialect: 'anthropic-messages',
    stream: false,
    startedAtMs: 1,
    attempts: 2,
  },
  ...{ priceVersion: 'v1', endUser: 'jane', clientRequestId: 'c-1' },
  ...{ inputTokens: 10, outputTokens: 20, costNanoUsd: 30 },
};

const read = (bytes: Buffer): unknown => JSON.parse(bytes.toString('utf8'));
/** What any reader gets of it: no undefined members, no −0. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '\u007f', '\n', 'Zoë', '\ud800'),
);
const numbers = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(2_000_000),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.nat(100_000_000).map((thousandths) => thousandths / 1_000),
  fc.constantFrom(0, -0, 999_999, 1_000_000, 999_999_999_999, 1_000_000_000_000, Number.MAX_SAFE_INTEGER, 0.1, 0.0005),
);

test('every member of a record and of an intent is written', () => {
  expect(read(encodeUsage(record))).toEqual(record);
  expect(read(encodeIntent(intent))).toEqual(intent);
});

test('whatever a record holds, it is read as JSON.stringify would have written it', () => {
  const changed = fc.record<Partial<UsageRecordedV1>>(
    {
      requestedModel: texts,
      finish: texts,
      endUser: fc.option(texts, { nil: undefined }) as fc.Arbitrary<string>,
      clientMetadata: fc.dictionary(texts, texts),
      losses: fc.array(fc.record({ feature: texts, path: texts }), { maxLength: 4 }),
      latencyMs: numbers,
      firstTokenMs: numbers,
      costNanoUsd: numbers,
      startedAtMs: numbers,
      stream: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(changed, (changes) => {
      const any = { ...record, ...changes };
      expect(read(encodeUsage(any))).toEqual(plain(any));
    }),
    { numRuns: 1_000 },
  );
});

test('records of any length keep their bytes while others are written', () => {
  const lengths = Array.from({ length: 300 }, (_, index) => (index * 37) % 3_000);
  const records = lengths.map((length, index) => event(`req_${index}`, { endUser: '"'.repeat(length) }));
  const written = records.map(encodeUsage);
  expect(written.map(read)).toEqual(records);
  const long = event('req_long', { endUser: 'x'.repeat(200_000) });
  expect(read(encodeUsage(long))).toEqual(long);
});
