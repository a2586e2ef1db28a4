import { UsageBuffer } from './usage-buffer';

function filled(capacity: number, items: number): UsageBuffer<number> {
  const buffer = new UsageBuffer<number>(capacity);
  for (let item = 1; item <= items; item++) buffer.offer(item);
  return buffer;
}

test('what is taken comes in order and is held until confirmed', () => {
  const buffer = filled(10, 5);
  const first = buffer.take(2);
  const second = buffer.take(2);
  expect([first, second]).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect([buffer.size, buffer.waiting, buffer.held()]).toEqual([5, 1, [1, 2, 3, 4, 5]]);
  buffer.confirm(second);
  expect([buffer.size, buffer.held()]).toEqual([3, [1, 2, 5]]);
});

test('what was taken still takes room: a full buffer takes nothing in until a batch is confirmed', () => {
  const buffer = filled(3, 3);
  const batch = buffer.take(2);
  expect(buffer.offer(4)).toBe(false);
  buffer.confirm(batch);
  expect([buffer.offer(4), buffer.offer(5), buffer.offer(6)]).toEqual([true, true, false]);
});

test('a batch confirmed twice makes room once', () => {
  const buffer = filled(3, 3);
  const batch = buffer.take(2);
  buffer.confirm(batch);
  buffer.confirm(batch);
  expect(buffer.size).toBe(1);
});

test('a batch ends before what does not fit, and is never empty for that', () => {
  const buffer = filled(10, 4);
  expect(buffer.take(9, (item) => item < 3)).toEqual([1, 2]);
  expect(buffer.take(9, () => false)).toEqual([3]);
  expect(buffer.take(9)).toEqual([4]);
  expect(buffer.take(9)).toEqual([]);
});
