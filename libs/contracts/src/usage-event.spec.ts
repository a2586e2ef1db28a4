import { readFileSync } from 'node:fs';
import path from 'node:path';
import { encodeJson } from './subjects';
import { parseUsageBatch, type UsageRecordedV1 } from './usage-event';

const golden = JSON.parse(
  readFileSync(path.join(__dirname, '__fixtures__/usage-recorded.v1.json'), 'utf8'),
) as UsageRecordedV1;
const batch = (...events: unknown[]): Uint8Array => encodeJson({ events });
const named = (requestId: string): UsageRecordedV1 => ({ ...golden, requestId });

test('a batch is read as it was written, every field', () => {
  expect(parseUsageBatch(batch(golden, named('req_2')))).toEqual({ events: [golden, named('req_2')], faults: [] });
  expect(parseUsageBatch(batch())).toEqual({ events: [], faults: [] });
});

test('what a record may lack, it may lack', () => {
  const { firstTokenMs: _first, endUser: _user, clientRequestId: _id, ...rest } = golden;
  const { priceVersion: _version, clientMetadata: _metadata, traceparent: _trace, ...least } = rest;
  expect(parseUsageBatch(batch({ ...least, losses: [] })).events).toEqual([{ ...least, losses: [] }]);
});

test('a field and a dialect of a later release are no fault', () => {
  const later = { ...golden, clientDialect: 'gemini', region: 'eu' };
  expect(parseUsageBatch(batch(later)).faults).toEqual([]);
});

test.each([null, 7, 'garbage', {}])('whatever is wrong with its trace, %j say, a call is billed', (traceparent) => {
  expect(parseUsageBatch(batch({ ...golden, traceparent }))).toMatchObject({ events: [{ traceparent }], faults: [] });
});

test('a faulty record is told with its place and whole, and its neighbours count', () => {
  const faulty = { ...golden, usage: { ...golden.usage, inputTokens: -1 } };
  expect(parseUsageBatch(batch(named('req_1'), faulty, named('req_3')))).toEqual({
    events: [named('req_1'), named('req_3')],
    faults: [
      {
        index: 1,
        fault: 'events[1].usage.inputTokens is not a whole number from 0',
        record: JSON.stringify(faulty),
      },
    ],
  });
});

const checked = Object.keys(golden).filter((field) => field !== 'traceparent');
const required = checked.filter(
  (field) => !['firstTokenMs', 'endUser', 'clientRequestId', 'priceVersion', 'clientMetadata'].includes(field),
);

test.each(required)('a record without %s is refused, by name', (field) => {
  const { [field]: _left, ...rest } = golden as unknown as Record<string, unknown>;
  expect(parseUsageBatch(batch(rest)).faults[0]?.fault).toContain(`events[0].${field} is not `);
});

test.each(checked)('a record whose %s is null is refused, by name', (field) => {
  expect(parseUsageBatch(batch({ ...golden, [field]: null })).faults[0]?.fault).toContain(`events[0].${field} is not`);
});

test.each(Object.keys(golden.usage))('a record without usage.%s is refused, by name', (field) => {
  const { [field]: _left, ...rest } = golden.usage as unknown as Record<string, unknown>;
  expect(parseUsageBatch(batch({ ...golden, usage: rest })).faults[0]?.fault).toContain(`events[0].usage.${field} is`);
});

test.each([
  ['a fraction of a nano-dollar', { costNanoUsd: 0.5 }, '.costNanoUsd is not a whole number from 0'],
  ['a negative cost', { costNanoUsd: -1 }, '.costNanoUsd is not a whole number from 0'],
  ['more than a number holds exactly', { costNanoUsd: 2 ** 53 }, '.costNanoUsd is not a whole number from 0'],
  ['a number as text', { status: '200' }, '.status is not a whole number from 0'],
  ['an unknown accuracy', { accuracy: 'guessed' }, '.accuracy is not exact, estimated or orphaned'],
  [
    'a price version of a thousand characters',
    { priceVersion: 'v'.repeat(1_000) },
    '.priceVersion is not a text of 1 to 64 characters',
  ],
  ['metadata of something else than texts', { clientMetadata: { a: 1 } }, '.clientMetadata is not an object of texts'],
  ['an empty request id', { requestId: '' }, '.requestId is not a text of at least one character'],
  ['a negative time', { latencyMs: -0.1 }, '.latencyMs is not a number from 0'],
  ['usage as a list', { usage: [] }, '.usage is not an object'],
  ['a loss that is a text', { losses: ['top_k'] }, '.losses[0] is not an object'],
  [
    'a loss without a path',
    { losses: [{ feature: 'a', path: 'b' }, { feature: 'a' }] },
    '.losses[1].path is not a text',
  ],
])('%s is refused, with its path', (_name, changes, fault) => {
  expect(parseUsageBatch(batch({ ...golden, ...changes })).faults).toMatchObject([{ fault: `events[0]${fault}` }]);
});

test.each([[null], [7], ['text'], [[]]])('%j is no record', (record) => {
  expect(parseUsageBatch(batch(record)).faults).toMatchObject([{ fault: 'events[0] is not an object' }]);
});

test.each([
  ['', 'not JSON: SyntaxError'],
  ['{"events":[', 'not JSON: SyntaxError'],
  ['\0\xff', 'not JSON: SyntaxError'],
  ['null', 'not an object'],
  ['[]', 'not an object'],
  ['{}', 'events is not an array'],
  ['{"events":{}}', 'events is not an array'],
])('a payload of %j is one fault, without its words', (text, fault) => {
  expect(parseUsageBatch(Buffer.from(text, 'latin1'))).toEqual({ events: [], faults: [{ fault }] });
});
