import type { RunningStack } from '../stack';
import { send } from './http-exchange';
import type { TwoUpstreams } from './two-upstreams';
import { allUsage, eventually } from './usage-ledger';

/** What holds after any suite that ran through the one port of a stack. Not while calls are still made. */
export function describeAccounts(worldOf: () => TwoUpstreams<RunningStack>): void {
  describe('after all of it', () => {
    it('every edge has served a part, by its own count', async () => {
      const { gateway } = worldOf();
      const edges = adminUrlsOf(gateway);
      expect(edges).toHaveLength(2);
      const served = await Promise.all(edges.map((url) => sumOf(url, 'switchboard_upstream_attempts_total')));
      expect(Math.min(...served)).toBeGreaterThan(0);
    });

    it('the ledger holds every call that reached an upstream exactly once, and nothing else', async () => {
      const { gateway, calls } = worldOf();
      const expected = [...calls()].sort();
      const recorded = async (): Promise<string[]> =>
        (await allUsage(gateway)).map(({ requestId }) => requestId).sort();
      await eventually('all is recorded', async () => (await recorded()).length >= expected.length);
      expect(await recorded()).toEqual(expected);
      const closed = await Promise.all(
        adminUrlsOf(gateway).map((url) => sumOf(url, 'switchboard_request_duration_seconds_count')),
      );
      expect(closed.reduce((sum, count) => sum + count, 0)).toBe(expected.length);
    }, 30_000);
  });
}

function adminUrlsOf(stack: RunningStack): string[] {
  return stack.processes().flatMap(({ name, adminUrl }) => (name === 'edge-api' && adminUrl ? [adminUrl] : []));
}

/** Of a metric's series, whatever their labels. */
async function sumOf(adminUrl: string, metric: string): Promise<number> {
  const { text } = await send(adminUrl, { path: '/metrics' });
  const series = text.split('\n').filter((line) => line.startsWith(`${metric}{`));
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
