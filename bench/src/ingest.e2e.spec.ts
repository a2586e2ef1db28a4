import { spawnSync } from 'node:child_process';
import path from 'node:path';

const main = path.resolve(__dirname, '../dist/ingest-main.js');

describe('npm run bench:ingest', () => {
  it('measures ingest beside a bare insert of the same rows', () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, '--quick'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\| ingest +\| [\d,]+ +\|/m);
    expect(stdout).toMatch(/^\| insert, with the table’s indexes +\| [\d,]+ +\| \*\*\d/m);
    expect(status).toBe(0);
  }, 120_000);

  it('says what it takes when asked for something else', () => {
    const { stderr, status } = spawnSync(process.execPath, [main, '--fast'], { encoding: 'utf8' });
    expect(stderr).toContain('npm run bench:ingest -- ');
    expect(status).toBe(1);
  });
});
