import path from 'node:path';
import {
  durationSetting,
  logLevelSetting,
  optionalText,
  portSetting,
  type ReadSettings,
  readSettings as readProcessSettings,
} from '@switchboard/platform';
import { z } from 'zod';

const settingsShape = {
  /** The front: every edge behind one port. */
  PORT: portSetting(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  /** The admin API. */
  ADMIN_PORT: portSetting(9090),
  /** Absent: a random one, told by the state file. */
  ADMIN_TOKEN: optionalText,
  DATA_DIR: z.string().min(1).default('.switchboard/stack'),
  STACK_STATE: z.string().min(1).default('.switchboard/stack.json'),
  LOG_LEVEL: logLevelSetting('info'),
  /** How long an edge that is replaced lets its streams go on. */
  DRAIN_MS: durationSetting(3_600_000),
  /** How long it, or the admin API, goes on taking requests before, so that connections can move away. */
  DRAIN_GRACE_MS: durationSetting(2_000),
};

export type Settings = z.output<z.ZodObject<typeof settingsShape>>;

/** Folders and files come out absolute. All faults at once, each naming its variable. */
export function readSettings(env: NodeJS.ProcessEnv, cwd: string): ReadSettings<typeof settingsShape> {
  const read = readProcessSettings(settingsShape, env);
  if (!read.ok) return read;
  const { DATA_DIR, STACK_STATE } = read.settings;
  return {
    ok: true,
    settings: {
      ...read.settings,
      DATA_DIR: path.resolve(cwd, DATA_DIR),
      STACK_STATE: path.resolve(cwd, STACK_STATE),
    },
  };
}
