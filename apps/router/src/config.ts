import { readServiceSettings } from '@switchboard/platform';

/** The router has no settings but those of every service. All faults at once, each naming its variable. */
export function readRouterSettings(env: NodeJS.ProcessEnv) {
  return readServiceSettings({}, env);
}
