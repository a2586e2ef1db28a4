import {
  parseResponseDeleteRequest,
  parseResponsePart,
  parseResponsePartRequest,
  RESPONSE_PART_BYTES_MAX,
  type ResponsePartV1,
  STORED_ITEM_IDS_MAX,
} from './responses';
import { encodeJson } from './subjects';

const part: ResponsePartV1 = {
  ...{ tenantId: 'acme', keyId: 'key_1', responseId: 'resp_1', createdAtMs: 1, model: 'm', status: 'completed' },
  ...{ itemIds: ['msg_1'], part: 0, parts: 1, sealed: 'AQ==' },
};

test('a part is read as it was written', () => {
  expect(parseResponsePart(encodeJson(part))).toEqual(part);
});

test.each<[object | string, string]>([
  [{ ...part, tenantId: '' }, '.tenantId is not a text of at least one character'],
  [{ ...part, itemIds: [7] }, '.itemIds is not a list of at most 2000 texts'],
  [{ ...part, itemIds: Array(STORED_ITEM_IDS_MAX + 1).fill('x') }, '.itemIds is not a list of at most 2000 texts'],
  [{ ...part, part: 1 }, 'part 1 of 1'],
  [{ ...part, part: -1 }, '.part is not a whole number from 0'],
  [[], 'not an object'],
  ['cheese', 'not an object'],
])('what is none is told by its fault: %#', (value, fault) => {
  expect(parseResponsePart(encodeJson(value))).toBe(fault);
});

test('bytes that are not JSON, and requests of strangers, are faults and no exceptions', () => {
  for (const parse of [parseResponsePart, parseResponsePartRequest, parseResponseDeleteRequest]) {
    expect(parse(Buffer.from('{'))).toBe('not JSON: SyntaxError');
  }
  expect(parseResponsePartRequest(encodeJson({ tenantId: 'acme', part: 0, itemIds: 'x' }))).toMatch('itemIds');
  expect(parseResponseDeleteRequest(encodeJson({ tenantId: 'acme' }))).toMatch('responseId');
});

test('the largest part with the most ids fits into a message of the bus', () => {
  const largest = {
    ...part,
    itemIds: Array(STORED_ITEM_IDS_MAX).fill('x'.repeat(90)) as string[],
    sealed: Buffer.alloc(RESPONSE_PART_BYTES_MAX).toString('base64'),
  };
  expect(encodeJson(largest).byteLength).toBeLessThan(1024 * 1024 - 16 * 1024);
});
