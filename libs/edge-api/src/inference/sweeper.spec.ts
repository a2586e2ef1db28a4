import { Sweeper, type Sweepable } from './sweeper';

class Member implements Sweepable {
  sweepSlot = -1;
  ended = 0;
  constructor(private readonly onShutDown: () => void = () => undefined) {}
  sweep(): void {}
  shutDown(): void {
    this.ended++;
    this.onShutDown();
  }
}

describe('the sweeper', () => {
  it('holds what was added and not removed, in whatever order it is removed', () => {
    const sweeper = new Sweeper();
    const members = Array.from({ length: 5 }, () => new Member());
    for (const member of members) sweeper.add(member);
    for (const index of [2, 0, 4]) sweeper.remove(members[index] as Member);
    expect(sweeper.size).toBe(2);
    sweeper.stop();
    expect(members.map(({ ended }) => ended)).toEqual([0, 1, 0, 1, 0]);
  });

  it('visits each member once, even when they remove themselves meanwhile', () => {
    const sweeper = new Sweeper();
    const members: Member[] = [];
    for (let index = 0; index < 10; index++) members.push(new Member(() => sweeper.remove(members[index] as Member)));
    for (const member of members) sweeper.add(member);
    sweeper.stop();
    expect(members.every(({ ended }) => ended === 1)).toBe(true);
    expect(sweeper.size).toBe(0);
  });

  it('takes a second removal for none', () => {
    const sweeper = new Sweeper();
    const [one, two] = [new Member(), new Member()];
    sweeper.add(one);
    sweeper.add(two);
    sweeper.remove(one);
    sweeper.remove(one);
    expect(sweeper.size).toBe(1);
    sweeper.stop();
  });
});
