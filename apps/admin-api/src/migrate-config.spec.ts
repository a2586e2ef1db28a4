import { environmentOf, podOf, renderChart } from '@switchboard/testing';
import { readMigrateSettings } from './migrate-config';

const secrets = { DATABASE_URL: 'postgresql://u:p@h:5432/d' };

describe('the chart’s job', () => {
  it('sets every variable that the migrations read, and none that they do not', async () => {
    const env = environmentOf(podOf(await renderChart(), 'migration', 'Job'), secrets);
    const read = readMigrateSettings(env);
    expect(read).toEqual(readMigrateSettings(secrets));
    expect(Object.keys(env).sort()).toEqual(Object.keys(read.ok ? read.settings : {}).sort());
  });

  it('passes on how long the database is waited for', async () => {
    const objects = await renderChart({ values: { migration: { waitMs: 5_000 } } });
    const env = environmentOf(podOf(objects, 'migration', 'Job'), secrets);
    expect(readMigrateSettings(env)).toMatchObject({ settings: { MIGRATE_WAIT_MS: 5_000 } });
  });
});
