import { httpChunk, LAST_CHUNK } from './http-chunk';

test.each([1, 9, 10, 15, 16, 255, 256, 4095, 4096, 65_536, 1_048_577])('a chunk of %i bytes says so', (length) => {
  const bytes = Buffer.alloc(length, 'x');
  const expected = `${length.toString(16)}\r\n${bytes.toString()}\r\n`;
  expect(httpChunk(bytes).toString()).toBe(expected);
  expect(httpChunk(bytes.toString())).toBe(expected);
});

test('a text counts by its bytes, and what is behind it follows', () => {
  expect(httpChunk('dreißig €', LAST_CHUNK)).toBe('c\r\ndreißig €\r\n0\r\n\r\n');
  expect(httpChunk(Buffer.from('dreißig €'), LAST_CHUNK).toString()).toBe('c\r\ndreißig €\r\n0\r\n\r\n');
});
