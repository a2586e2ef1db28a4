import { parseFailoverOptions } from '../failover/options';
import { failoverPage, describeRun } from '../failover/report';
import { runFailover } from '../failover/run-failover';

jest.setTimeout(120_000);

test('the failover trial has upstreams fail and come back, and tells what clients had of it', async () => {
  const options = parseFailoverOptions(['--faults', 'killed,both-killed', '--rate', '60', '--seconds', '0.6']);
  const lines: string[] = [];
  const result = await runFailover(options, { say: (line) => lines.push(line) });
  const { faults, outages } = result;
  expect(faults).toMatchObject([{ fault: 'killed', errorsBeforeFirstByte: 0 }]);
  expect(faults[0]?.requests).toBeGreaterThan(80);
  expect(faults[0]?.healthy.p50Ms).toBeGreaterThanOrEqual(45);
  expect(outages).toMatchObject([{ fault: 'both-killed', errorBody: expect.stringContaining('"error"') }]);
  expect(outages[0]?.errors).toBeGreaterThan(0);
  expect(lines.join('\n')).toMatch(/killed: one\n.*killed: over\n.*both-killed: one and two\n.*both-killed: over/);
  expect(failoverPage(describeRun(), options, result)).toMatch(/^\| killed +\| \d+ +\| 0 +\|/m);
});
