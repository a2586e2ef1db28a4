import { cpuMicrosOf, isTold } from './process-cpu';

const spinMs = 100;

test('it is what the process itself says, all threads included', () => {
  if (!isTold()) {
    expect(cpuMicrosOf(process.pid)).toBeNaN();
    return;
  }
  const [before, own] = [cpuMicrosOf(process.pid), process.cpuUsage()];
  const until = performance.now() + spinMs;
  while (performance.now() < until);
  const { user, system } = process.cpuUsage(own);
  const told = cpuMicrosOf(process.pid) - before;
  expect(told).toBeGreaterThan(0);
  expect(Math.abs(told - user - system)).toBeLessThan(0.1 * (user + system) + 5_000);
});

test('of a process that is not there nothing is told', () => {
  if (isTold()) expect(() => cpuMicrosOf(2 ** 22 + 1)).toThrow('ENOENT');
});
