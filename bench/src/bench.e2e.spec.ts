import { spawnSync } from 'node:child_process';
import path from 'node:path';

const main = path.resolve(__dirname, '../dist/main.js');

describe('npm run bench', () => {
  it('measures the bare proxy beside itself', () => {
    const args = [main, '--quick', '--subject', 'bare-proxy', '--only', 'chat → chat, 1 KB, 100 events'];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toContain('chat → chat, 1 KB, 100 events in few reads: bare-proxy');
    expect(stdout).toMatch(/\| +\| bare-proxy \| +[\d.]+ +\| +\d+ +\| \*\*\d\.\d\d\*\*/);
    expect(status).toBe(0);
  }, 30_000);

  it('says what it can measure when asked for something else', () => {
    const { stderr, status } = spawnSync(process.execPath, [main, '--subject', 'x'], { encoding: 'utf8' });
    expect(stderr).toContain(
      'no subject x; there are standalone, distributed, distributed-limits, bare-proxy, portkey',
    );
    expect(status).toBe(1);
  });
});
