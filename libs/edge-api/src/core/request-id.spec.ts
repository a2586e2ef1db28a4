import { newRequestId } from './request-id';

const MS = Date.parse('2026-11-20T12:00:00.123Z');

/** As RFC 9562 writes it. */
const uuidOf = (id: string) => id.replace(/^req_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

test('an id is a UUIDv7 of its time', () => {
  for (let count = 0; count < 1_000; count++) {
    const uuid = uuidOf(newRequestId(MS));
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(parseInt(uuid.replace('-', '').slice(0, 12), 16)).toBe(MS);
  }
});

test('no id comes twice, and all of its chance is used', () => {
  const ids = Array.from({ length: 20_000 }, () => newRequestId(MS));
  expect(new Set(ids).size).toBe(ids.length);
  for (let digit = 17; digit < 36; digit++) {
    const seen = new Set(ids.map((id) => id[digit]));
    expect(seen.size).toBe(digit === 20 ? 4 : 16);
  }
});

test('ids sort by time', () => {
  const ids = [MS + 2, MS, MS + 100_000, MS - 5, MS + 1].map((ms) => newRequestId(ms));
  const [later, now, last, first, next] = ids;
  expect(ids.toSorted()).toEqual([first, now, next, later, last]);
});
