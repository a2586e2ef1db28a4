import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { FRAME_HEAD_BYTES, type FrameKind, readFrames, writeFrame } from './frames';

const KINDS: readonly FrameKind[] = ['segment', 'intent', 'usage', 'stored'];
type Written = readonly [FrameKind, string];

const records = fc.array(fc.tuple(fc.constantFrom(...KINDS), fc.json({ maxDepth: 2 })), { maxLength: 8 });

/** Where each record ends. */
function written(all: readonly Written[]): { bytes: Buffer; ends: number[] } {
  const payloads = all.map(([kind, json]) => [kind, Buffer.from(json)] as const);
  const target = Buffer.alloc(payloads.reduce((sum, [, payload]) => sum + FRAME_HEAD_BYTES + payload.length, 0));
  const ends: number[] = [];
  let offset = 0;
  for (const [kind, payload] of payloads) ends.push((offset += writeFrame(target, offset, kind, payload)));
  return { bytes: target.subarray(0, offset), ends };
}

function read(bytes: Buffer): { records: (readonly [FrameKind | undefined, string])[]; wholeBytes: number } {
  const { frames, wholeBytes } = readFrames(bytes);
  return { records: frames.map(({ kind, payload }) => [kind, payload.toString('utf8')] as const), wholeBytes };
}

test('what was written is read, in its order', () => {
  fc.assert(
    fc.property(records, (all) => {
      const { bytes } = written(all);
      expect(read(bytes)).toEqual({ records: all, wholeBytes: bytes.length });
    }),
  );
});

test('torn at any byte, every record before is read, and none behind', () => {
  fc.assert(
    fc.property(records, (all) => {
      const { bytes, ends } = written(all);
      for (let length = 0; length <= bytes.length; length++) {
        const whole = ends.filter((end) => end <= length);
        expect(read(bytes.subarray(0, length))).toEqual({
          records: all.slice(0, whole.length),
          wholeBytes: whole.at(-1) ?? 0,
        });
      }
    }),
    { numRuns: 30 },
  );
});

test('torn at any byte and filled with zeros, as a file system may after a crash, nothing is read of the rest', () => {
  const all: Written[] = [
    ['intent', '{"requestId":"req_1"}'],
    ['usage', '{"requestId":"req_2","endUser":"Zoë"}'],
  ];
  const { bytes, ends } = written(all);
  for (let length = 0; length < bytes.length; length++) {
    const torn = Buffer.concat([bytes.subarray(0, length), Buffer.alloc(5_000)]);
    // A record whose last byte alone is missing would be whole with a zero in its place only if it ended in one.
    expect(read(torn).records).toEqual(all.slice(0, ends.filter((end) => end <= length).length));
  }
});

test('a byte that changed anywhere ends the reading at its record', () => {
  fc.assert(
    fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, place, change) => {
      const { bytes, ends } = written(all);
      if (bytes.length === 0) return;
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ change;
      const before = ends.filter((end) => end <= at).length;
      expect(read(bytes).records).toEqual(all.slice(0, before));
    }),
  );
});

test('a kind that only a later release knows is passed over, not taken for damage', () => {
  const { bytes } = written([['usage', '{}']]);
  const later = Buffer.from(bytes);
  later[8] = 200;
  later.writeUInt32LE(crc32(later.subarray(8)), 4);
  expect(read(Buffer.concat([later, bytes])).records).toEqual([
    [undefined, '{}'],
    ['usage', '{}'],
  ]);
});
