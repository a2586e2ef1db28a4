import { FairQueue } from './fair-queue';

function served(queue: FairQueue<string>): string[] {
  const order: string[] = [];
  for (let item = queue.first(); item !== undefined; item = queue.first()) {
    order.push(item);
    queue.serve(item.charAt(0), item);
  }
  return order;
}

function queueOf(...items: string[]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const item of items) queue.push(item.charAt(0), item);
  return queue;
}

describe('the fair queue', () => {
  it('lets owners take turns, each in the order in which its own came', () => {
    expect(served(queueOf('a1', 'a2', 'a3', 'b1', 'c1', 'c2'))).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  });

  it('serves one that joins a long line of another’s second', () => {
    const queue = queueOf(...Array.from({ length: 100 }, (_, index) => `a${index}`), 'b0');
    expect(served(queue).indexOf('b0')).toBe(1);
  });

  it('gives an owner that comes back no turn before those who stayed', () => {
    const queue = queueOf('a1', 'b1', 'b2');
    queue.serve('a', 'a1');
    queue.push('a', 'a2');
    expect(served(queue)).toEqual(['b1', 'a2', 'b2']);
    const other = queueOf('a1', 'b1', 'b2');
    other.remove('a', 'a1');
    other.push('a', 'a2');
    expect(served(other)).toEqual(['b1', 'a2', 'b2']);
  });

  it('changes nobody’s turn when one leaves', () => {
    const queue = queueOf('a1', 'a2', 'b1', 'c1');
    queue.remove('a', 'a1');
    queue.remove('b', 'b1');
    expect(served(queue)).toEqual(['a2', 'c1']);
  });

  it('counts what waits, and nothing twice', () => {
    const queue = queueOf('a1', 'b1');
    queue.remove('a', 'a1');
    queue.remove('a', 'a1');
    queue.serve('c', 'c1');
    expect(queue.size).toBe(1);
    expect(served(queue)).toEqual(['b1']);
    expect([queue.size, queue.first()]).toEqual([0, undefined]);
  });
});
