import fc from 'fast-check';
import { API_POSITION_MIN, assignPositions } from './positions';

const ids = fc.uniqueArray(fc.integer({ min: 0, max: 40 }).map(String), { maxLength: 40 });

describe('places in listings', () => {
  test('ascend strictly in the order given, below those of the API, whatever there was before', () => {
    fc.assert(
      fc.property(
        ids,
        fc.dictionary(fc.integer({ min: 0, max: 40 }).map(String), fc.integer({ min: 0, max: 50 })),
        (order, before) => {
          const positions = [...assignPositions(order, new Map(Object.entries(before))).values()];
          expect(positions).toHaveLength(order.length);
          positions.forEach((position, index) => {
            expect(position).toBeGreaterThan(index === 0 ? 0 : positions[index - 1]!);
            expect(position).toBeLessThan(API_POSITION_MIN);
          });
        },
      ),
    );
  });

  test('one put in between, or taken away, moves no other', () => {
    const before = assignPositions(['a', 'b', 'c'], new Map());
    const after = assignPositions(['new', 'a', 'newer', 'c', 'last'], before);
    expect([after.get('a'), after.get('c')]).toEqual([before.get('a'), before.get('c')]);
    expect([...after.keys()].sort((x, y) => after.get(x)! - after.get(y)!)).toEqual(['new', 'a', 'newer', 'c', 'last']);
  });

  test('a model of the API that the file now declares comes among the file’s', () => {
    const after = assignPositions(['a', 'b'], new Map([['a', API_POSITION_MIN + 3]]));
    expect(after.get('a')).toBeLessThan(after.get('b') ?? 0);
  });
});
