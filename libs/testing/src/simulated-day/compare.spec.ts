import { compareDays, type DayFigures } from './compare';
import { EventQueue } from './event-queue';
import { dayPage } from './report';

const OPTIONS = { requests: 1_000, seed: 1 };

describe('a simulated day', () => {
  const days = compareDays(OPTIONS);
  const by = (way: string): DayFigures => days.find((day) => day.way === way)!;

  it('is the same again for the same seed, and another for another', () => {
    expect(compareDays(OPTIONS)).toEqual(days);
    expect(compareDays({ ...OPTIONS, seed: 2 })).not.toEqual(days);
  });

  it('has no client go without an answer while one provider of five answers', () => {
    expect(days.map(({ failed }) => failed)).toEqual(days.map(() => 0));
  });

  it('costs nobody less than the oracle, and auto:cheapest little more', () => {
    for (const { nanoUsd } of days) expect(nanoUsd).toBeGreaterThanOrEqual(by('oracle: cheapest').nanoUsd);
    expect(by('auto:cheapest').nanoUsd).toBeLessThan(1.05 * by('oracle: cheapest').nanoUsd);
    expect(by('auto:cheapest').nanoUsd).toBeLessThan(by('auto').nanoUsd);
    expect(by('auto').nanoUsd).toBeLessThan(by('round-robin').nanoUsd);
  });

  it('is told with its incidents', () => {
    const page = dayPage(OPTIONS, days);
    expect(page).toMatch(/^\| auto:cheapest +\| 0 +\|/m);
    expect(page).toContain('10:30–11:30 70 % 429; 18:00–18:15 100 % 500');
    expect(page).toContain('0.2 and 0.8, from 08:00 0.8 and 3.2, from 18:00 0.2 and 0.8');
  });
});

test('virtual time runs what is due in its order, what was put in first before what comes at the same time', () => {
  const queue = new EventQueue();
  const ran: string[] = [];
  const put = (atMs: number, name: string): void => queue.at(atMs, () => ran.push(`${name}@${queue.nowMs}`));
  for (const [atMs, name] of [
    [30, 'c'],
    [10, 'a'],
    [20, 'b'],
    [10, 'then'],
  ] as const) {
    put(atMs, name);
  }
  queue.at(20, () => put(25, 'later'));
  queue.runAll();
  expect(ran).toEqual(['a@10', 'then@10', 'b@20', 'later@25', 'c@30']);
  expect(() => queue.at(5, () => undefined)).toThrow(RangeError);
});
