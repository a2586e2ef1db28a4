import { spawnSync } from 'node:child_process';
import path from 'node:path';

const main = path.resolve(__dirname, '../dist/usage-queries-main.js');
const run = (...options: string[]) => spawnSync(process.execPath, [main, ...options], { encoding: 'utf8' });

describe('npm run bench:usage-queries', () => {
  it('asks every question and tells how long each took', () => {
    const { stdout, status } = run('--rows', '9000', '--runs', '1');
    expect(stdout.match(/^\| (one tenant|everything) /gm)).toHaveLength(2 * 4 * 6);
    expect(stdout).toMatch(/^\| everything +\| all +\| upstream +\| 6 +\| \d/m);
    expect(status).toBe(0);
  }, 120_000);

  it('says what it takes when asked for something else', () => {
    const { stderr, status } = run('--rows', 'many');
    expect(stderr).toContain('npm run bench:usage-queries -- ');
    expect(status).toBe(1);
  });
});
