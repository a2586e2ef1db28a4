import { spawnSync } from 'node:child_process';
import path from 'node:path';

const main = path.resolve(__dirname, '../dist/admission-main.js');
const shortest = ['--quick', '--batch', '64', '--rounds', '1'];

describe('npm run bench:admission', () => {
  it('measures keys with and without bounds at a distributed edge, and a tenant beside a noisy one', () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...shortest], { encoding: 'utf8' });
    expect(stderr).toContain('a noisy neighbour …');
    const rows = ['bare proxy', 'batch 64 +\\| none', 'batch 64 +\\| limits', 'batch 64 +\\| limits and budget'];
    for (const table of ['## CPU and throughput', '## Latency']) {
      const text = stdout.slice(stdout.indexOf(table));
      for (const row of rows) expect(text).toMatch(new RegExp(`^\\| ${row} +\\|.* [\\d.]+ +\\| [\\d.]+`, 'm'));
    }
    expect(stdout).toMatch(/\| beside noise +\| 50 +\| [\d.]+ +\| [\d.]+ +\| \*\*\d\.\d\d\*\*/);
    expect(stdout).toMatch(/The noisy key: \d+ calls answered \(its limit allows \d+\), \d+ refused/);
    expect(status).toBe(0);
  }, 150_000);

  it('says what it takes when asked for something else', () => {
    const { stderr, status } = spawnSync(process.execPath, [main, '--batch', 'all'], { encoding: 'utf8' });
    expect(stderr).toContain('--batch must be a positive whole number');
    expect(stderr).toContain('npm run bench:admission -- ');
    expect(status).toBe(1);
  });
});
