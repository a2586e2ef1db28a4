import { GatewayError, type KeyDirectory, type KeyRecord } from '@switchboard/contracts';

export interface Credentials {
  apiKey: string | undefined;
  bearer: string | undefined;
}

type Header = string | string[] | undefined;

/** SDKs send `x-api-key`, `Authorization: Bearer`, or (Anthropic 0.x with an auth token) both at once. */
export function readCredentials(apiKey: Header, authorization: Header): Credentials {
  return { apiKey: nonEmpty(apiKey), bearer: bearerOf(authorization) };
}

/**
 * Finds the key record, or says why the caller is nobody. `hash` is the one keyed to the directory.
 * Messages tell a missing key from an unknown one: at 3 a.m. that is the difference between a client's and an operator's fault.
 */
export function authenticate(
  credentials: Credentials,
  directory: KeyDirectory,
  hash: (plaintext: string) => string,
  nowMs: number,
): KeyRecord | GatewayError {
  const { apiKey, bearer } = credentials;
  if (apiKey === undefined && bearer === undefined) {
    return new GatewayError(
      'missing_key',
      'No API key was given. Send it as "x-api-key: KEY" or "Authorization: Bearer KEY".',
    );
  }
  const record =
    (apiKey === undefined ? undefined : directory.find(hash(apiKey))) ??
    (bearer === undefined || bearer === apiKey ? undefined : directory.find(hash(bearer)));
  if (record === undefined) return new GatewayError('invalid_key', 'The API key is not known to this gateway.');
  if (record.revoked) return new GatewayError('invalid_key', 'The API key has been revoked.');
  if (record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs) {
    return new GatewayError('expired_key', `The API key expired at ${new Date(record.expiresAtMs).toISOString()}.`);
  }
  if (!record.tenant.active) return new GatewayError('tenant_inactive', 'The tenant of this API key is not active.');
  return record;
}

function nonEmpty(header: Header): string | undefined {
  const value = Array.isArray(header) ? header[0] : header;
  const trimmed = value?.trim();
  return trimmed === undefined || trimmed === '' ? undefined : trimmed;
}

function bearerOf(header: Header): string | undefined {
  const value = nonEmpty(header);
  if (value === undefined) return undefined;
  return /^bearer\s/i.test(value) ? nonEmpty(value.slice(7)) : undefined;
}
