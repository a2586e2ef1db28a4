import {
  createKeyHasher,
  createSealer,
  createTenantSealer,
  durationSetting,
  listSetting,
  portSetting,
  positiveSetting,
  readSecretRing,
  readServiceSettings,
  slowCallSettings,
  type KeyHasher,
  type Sealer,
  type TenantSealer,
} from '@switchboard/platform';
import { z } from 'zod';
import { addressFault } from './trusted-proxies';

const HOUR_MS = 3_600_000;

/** The service's own environment variables, beside those every service has. */
const shape = {
  /** The public port. */
  PORT: portSetting(8080),
  HOST: z.string().min(1).default('0.0.0.0'),
  /** Largest accepted request body, after decompression. */
  MAX_BODY_BYTES: positiveSetting(32 * 1024 * 1024),
  /** A stream silent for this long gets a keepalive. */
  KEEPALIVE_MS: positiveSetting(14_000),
  READ_ON_MS: positiveSetting(120_000),
  /** How long a shutdown waits for open streams. */
  DRAIN_MS: durationSetting(HOUR_MS),
  /** How long before that new connections are still taken, for balancers to notice that the replica is unready. */
  DRAIN_GRACE_MS: durationSetting(5_000),
  /** Where usage is kept until it is published: shared by edges of one machine, and outliving the process. */
  SPOOL_DIR: z.string().min(1).default('.switchboard/spool'),
  /** Of this edge's spool, together with what it adopted. */
  SPOOL_MAX_BYTES: positiveSetting(256 * 1024 * 1024),
  /** Reservations and settlements of one turn of the event loop that travel together; 1: each alone. */
  ADMISSION_BATCH_MAX: positiveSetting(64),
  ...slowCallSettings,
  /** Addresses and CIDR ranges, by commas, whose `x-forwarded-for` is believed. */
  TRUSTED_PROXIES: listSetting.superRefine((ranges, context) => {
    for (const range of ranges) {
      const fault = addressFault(range);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    }
  }),
};

export interface EdgeSecrets {
  sealer: Sealer;
  tenantSealer: TenantSealer;
  hasher: KeyHasher;
}

export type ReadEdgeSettings =
  { ok: true; settings: EdgeServiceSettings; secrets: EdgeSecrets } | { ok: false; faults: string[] };

type SettingsRead = ReturnType<typeof readServiceSettings<typeof shape>>;
export type EdgeServiceSettings = Extract<SettingsRead, { ok: true }>['settings'];

/** All faults at once, each naming its variable and none its value. */
export function readEdgeSettings(env: NodeJS.ProcessEnv): ReadEdgeSettings {
  const read = readServiceSettings(shape, env);
  const kek = readSecretRing('KEK', env);
  const pepper = readSecretRing('KEY_PEPPER', env);
  if (read.ok && kek.ok && pepper.ok) {
    const secrets = {
      ...{ sealer: createSealer(kek.ring), tenantSealer: createTenantSealer(kek.ring) },
      hasher: createKeyHasher(pepper.ring),
    };
    return { ok: true, settings: read.settings, secrets };
  }
  const faults = read.ok ? [] : [...read.faults];
  for (const ring of [kek, pepper]) if (!ring.ok) faults.push(ring.fault);
  return { ok: false, faults };
}
