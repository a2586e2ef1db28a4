import {
  databaseUrlSetting,
  logLevelSetting,
  positiveSetting,
  type ReadSettings,
  readSettings,
} from '@switchboard/platform';

/** All that the migrations need: no secret but the database's own. */
const shape = {
  DATABASE_URL: databaseUrlSetting,
  LOG_LEVEL: logLevelSetting('info'),
  /** How long the database, and another process at the migrations, are waited for in all. */
  MIGRATE_WAIT_MS: positiveSetting(120_000),
};

/** All faults at once, each naming its variable and none its value. */
export function readMigrateSettings(env: NodeJS.ProcessEnv): ReadSettings<typeof shape> {
  return readSettings(shape, env);
}
