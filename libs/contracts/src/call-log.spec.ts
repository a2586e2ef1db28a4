import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type CallLoggedV1, parseCallBatch } from './call-log';
import { encodeJson } from './subjects';

const golden = JSON.parse(
  readFileSync(path.join(__dirname, '__fixtures__/call-logged.v1.json'), 'utf8'),
) as CallLoggedV1;
const REQUIRED = ['requestId', 'atMs', 'tenantId', 'keyId', 'endpoint', 'clientDialect', 'status', 'outcome'];
REQUIRED.push('latencyMs', 'attempts', 'ip');

const batch = (...calls: unknown[]): Uint8Array => encodeJson({ calls });
const named = (requestId: string): CallLoggedV1 => ({ ...golden, requestId });

test('a batch is read as it was written, every field', () => {
  expect(parseCallBatch(batch(golden, named('req_2')))).toEqual({ calls: [golden, named('req_2')], faults: [] });
});

test('a call that was refused before anything was read of it lacks what is not known', () => {
  const least = Object.fromEntries(Object.entries(golden).filter(([field]) => REQUIRED.includes(field)));
  expect(parseCallBatch(batch(least))).toEqual({ calls: [least], faults: [] });
});

test('a faulty call is told with its place and whole, and its neighbours count', () => {
  const faulty = { ...golden, usage: { ...golden.usage, outputTokens: -1 } };
  expect(parseCallBatch(batch(named('req_1'), faulty, named('req_3')))).toEqual({
    calls: [named('req_1'), named('req_3')],
    faults: [
      { index: 1, fault: 'calls[1].usage.outputTokens is not a whole number from 0', record: JSON.stringify(faulty) },
    ],
  });
});

test.each(REQUIRED)('a call without %s is refused, by name', (field) => {
  const { [field]: _left, ...rest } = golden as unknown as Record<string, unknown>;
  expect(parseCallBatch(batch(rest)).faults[0]?.fault).toContain(`calls[0].${field} is not `);
});

test.each(Object.keys(golden))('a call whose %s is null is refused, by name', (field) => {
  expect(parseCallBatch(batch({ ...golden, [field]: null })).faults[0]?.fault).toContain(`calls[0].${field} is not`);
});

test.each(['', 'nonsense', '[]', '{}', '{"calls":1}', '{"calls":[1]}', '\u0000'])(
  '%j is told, not thrown',
  (payload) => {
    const { calls, faults } = parseCallBatch(Buffer.from(payload));
    expect([calls, faults.length]).toEqual([[], 1]);
  },
);
