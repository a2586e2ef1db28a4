import { Outage } from './outage';

test('absence lasts as long as it was found again and again', () => {
  const outage = new Outage();
  expect(outage.absent(1_000)).toBe(0);
  expect(outage.absent(1_200)).toBe(200);
  expect(outage.absent(1_450)).toBe(450);
  expect(outage.absent(1_701)).toBe(0);
});

test('an answer ends it', () => {
  const outage = new Outage();
  outage.absent(1_000);
  outage.silent(1_000, 1_100);
  outage.answered(1_150);
  expect(outage.absent(1_200)).toBe(0);
  expect(outage.isSilent(1_200)).toBe(false);
});

test('silence counts for a short while, and only where nobody was answered since the question', () => {
  const outage = new Outage();
  expect(outage.isSilent(0)).toBe(false);
  outage.silent(1_000, 2_000);
  expect(outage.isSilent(2_249)).toBe(true);
  expect(outage.isSilent(2_250)).toBe(false);
  outage.answered(3_000);
  outage.silent(2_500, 3_500);
  expect(outage.isSilent(3_500)).toBe(false);
});
