import { Steering } from './steering';

/** A core that takes this much per request, and something besides. */
function steer(steering: Steering, secondsPerRequest: () => number, steps: number): number {
  const share = () => 0.05 + steering.perSecond * secondsPerRequest();
  for (let step = 0; step < steps; step += 1) steering.took(share());
  return share();
}

test('it finds the rate that takes the share, and follows a machine that gets slower', () => {
  const steering = new Steering(500, 0.7);
  expect(steering.found).toBe(false);
  expect(steer(steering, () => 0.000_3, 20)).toBeCloseTo(0.7, 2);
  expect(steering.found).toBe(true);
  expect(steer(steering, () => 0.000_6, 20)).toBeCloseTo(0.7, 2);
});

test('one odd moment moves it by a third at most, and where nobody tells it stays', () => {
  const steering = new Steering(1000, 0.7);
  steering.took(7);
  expect(steering.perSecond).toBeCloseTo(769, 0);
  steering.took(Number.NaN);
  expect(steering.perSecond).toBeCloseTo(769, 0);
});
