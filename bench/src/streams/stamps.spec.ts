import fc from 'fast-check';
import { StampReader, stampOf } from './stamps';

test('every mark is read, whatever the splits', () => {
  const moments = [0, 1.5, 123_456_789.012, 27_771_234.999];
  const bytes = Buffer.from(moments.map((ms) => `data: {"text":"@a${stampOf(ms)}"}\n\n`).join(''));
  fc.assert(
    fc.property(fc.array(fc.nat({ max: bytes.length })), (cuts) => {
      const bounds = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const seen: number[] = [];
      const reader = new StampReader((ms) => seen.push(ms));
      bounds.slice(1).forEach((end, index) => reader.push(bytes.subarray(bounds[index], end)));
      expect(seen).toEqual(moments);
    }),
  );
});

test('marks have one length', () => {
  expect(new Set([0, 9.9999, 1e9 + 0.123].map((ms) => stampOf(ms).length)).size).toBe(1);
});
