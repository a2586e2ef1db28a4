import {
  databaseUrlSetting,
  durationSetting,
  isLoopbackHost,
  optionalText,
  readSecretRing,
  readServiceSettings,
  resolveSecret,
  type SecretRing,
} from '@switchboard/platform';
import type { OidcOptions } from '@switchboard/admin-api';
import { z } from 'zod';

/** Of an identity provider: whoever could change what it says on the way could say who is who. */
function isTrustworthy(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
}

const identityUrl = optionalText.refine((url) => url === undefined || isTrustworthy(url), 'must be an https:// URL');

/** The service's own environment variables, beside those every service has. */
const shape = {
  DATABASE_URL: databaseUrlSetting,
  /** How long, at its end, it goes on taking requests, for balancers to notice and kept connections to move away. */
  DRAIN_GRACE_MS: durationSetting(5_000),
  /** Its bearer owns the platform; or the file it is in. */
  ADMIN_TOKEN: optionalText,
  ADMIN_TOKEN_FILE: optionalText,
  /** As it stands in its tokens, to the letter. */
  OIDC_ISSUER: identityUrl,
  OIDC_AUDIENCE: optionalText,
  /** Absent: as the issuer's discovery document says. */
  OIDC_JWKS_URI: identityUrl,
  OIDC_ROLES_CLAIM: optionalText,
  /** Of a one-machine stack: what the simulator listens on, which serves while the configuration names no provider. */
  SIMULATOR_URL: z.url('must be a URL').optional(),
  /** Of a one-machine stack's first run: SHA-256 of the demo key, which works while the configuration holds no key. */
  DEMO_KEY_HASH: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')
    .optional(),
};

type SettingsRead = ReturnType<typeof readServiceSettings<typeof shape>>;
export type AdminServiceSettings = Extract<SettingsRead, { ok: true }>['settings'];

export interface AdminSecrets {
  kek: SecretRing;
  peppers: SecretRing;
  adminToken?: string;
}

export type ReadAdminSettings =
  | { ok: true; settings: AdminServiceSettings; secrets: AdminSecrets; oidc?: OidcOptions }
  | { ok: false; faults: string[] };

/** All faults at once, each naming its variable and none its value. */
export function readAdminSettings(env: NodeJS.ProcessEnv): ReadAdminSettings {
  const read = readServiceSettings(shape, env);
  const kek = readSecretRing('KEK', env);
  const peppers = readSecretRing('KEY_PEPPER', env);
  const faults = [...(read.ok ? [] : read.faults), ...oidcFaults(env)];
  for (const ring of [kek, peppers]) if (!ring.ok) faults.push(ring.fault);
  const token = readAdminToken(env);
  if (!token.ok) faults.push(token.fault);
  if (!read.ok || !kek.ok || !peppers.ok || !token.ok || faults.length > 0) return { ok: false, faults };
  const secrets: AdminSecrets = { kek: kek.ring, peppers: peppers.ring, ...token.given };
  const oidc = oidcOf(read.settings);
  return { ok: true, settings: read.settings, secrets, ...(oidc === undefined ? {} : { oidc }) };
}

type ReadToken = { ok: true; given: { adminToken?: string } } | { ok: false; fault: string };

function readAdminToken(env: NodeJS.ProcessEnv): ReadToken {
  const token = env['ADMIN_TOKEN']?.trim() ?? '';
  const file = env['ADMIN_TOKEN_FILE']?.trim() ?? '';
  if (token !== '' && file !== '') return { ok: false, fault: 'ADMIN_TOKEN: give it or ADMIN_TOKEN_FILE, not both' };
  if (file === '') return { ok: true, given: token === '' ? {} : { adminToken: token } };
  const read = resolveSecret({ file }, { env, directory: process.cwd() });
  return read.ok
    ? { ok: true, given: { adminToken: read.secret } }
    : { ok: false, fault: `ADMIN_TOKEN_FILE: ${read.fault}` };
}

/** What of it belongs together. */
function oidcFaults(env: NodeJS.ProcessEnv): string[] {
  const isGiven = (name: string): boolean => (env[name]?.trim() ?? '') !== '';
  if (isGiven('OIDC_ISSUER')) return isGiven('OIDC_AUDIENCE') ? [] : ['OIDC_AUDIENCE: required with OIDC_ISSUER'];
  return ['OIDC_AUDIENCE', 'OIDC_JWKS_URI', 'OIDC_ROLES_CLAIM']
    .filter(isGiven)
    .map((name) => `${name}: has no effect without OIDC_ISSUER`);
}

function oidcOf(settings: AdminServiceSettings): OidcOptions | undefined {
  const { OIDC_ISSUER, OIDC_AUDIENCE, OIDC_JWKS_URI, OIDC_ROLES_CLAIM } = settings;
  if (OIDC_ISSUER === undefined || OIDC_AUDIENCE === undefined) return undefined;
  return {
    ...{ issuer: OIDC_ISSUER, audience: OIDC_AUDIENCE },
    ...(OIDC_JWKS_URI === undefined ? {} : { jwksUri: OIDC_JWKS_URI }),
    ...(OIDC_ROLES_CLAIM === undefined ? {} : { rolesClaim: OIDC_ROLES_CLAIM }),
  };
}
