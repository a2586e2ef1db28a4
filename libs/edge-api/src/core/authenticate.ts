import { GatewayError, KeyStoreUnavailableError, type KeyDirectory, type KeyRecord } from '@switchboard/contracts';

const LOOK_UP_AGAIN_SECONDS = 1;

export interface Credentials {
  apiKey: string | undefined;
  bearer: string | undefined;
}

export type Header = string | string[] | undefined;

/** SDKs send `x-api-key`, `Authorization: Bearer`, or (Anthropic 0.x with an auth token) both at once. */
export function readCredentials(apiKey: Header, authorization: Header): Credentials {
  return { apiKey: nonEmpty(apiKey), bearer: bearerOf(authorization) };
}

type Found = KeyRecord | undefined;

/**
 * Finds the key record, or says why the caller is nobody: at once where memory holds the key, which is nearly always.
 * `sha256Hex` is the hash the directory goes by; the promise rejects only for a fault of ours.
 * Messages tell a missing key from an unknown one: at 3 a.m. that is the difference between a client's and an operator's fault.
 */
export function authenticate(
  { apiKey, bearer }: Credentials,
  directory: KeyDirectory,
  sha256Hex: (plaintext: string) => string,
  nowMs: number,
): KeyRecord | GatewayError | Promise<KeyRecord | GatewayError> {
  const first = apiKey ?? bearer;
  if (first === undefined) {
    return new GatewayError(
      'missing_key',
      'No API key was given. Send it as "x-api-key: KEY" or "Authorization: Bearer KEY".',
    );
  }
  const second = bearer === first ? undefined : bearer;
  const found = directory.find(sha256Hex(first));
  if (found instanceof Promise) return judgeOnceFound(eitherOf(found, second, directory, sha256Hex), nowMs);
  if (found !== undefined || second === undefined) return judge(found, nowMs);
  const other = directory.find(sha256Hex(second));
  return other instanceof Promise ? judgeOnceFound(other, nowMs) : judge(other, nowMs);
}

/** The first of two keys whenever it is known, so that a client's calls are never booked now to one and now to the other. */
async function eitherOf(
  first: Promise<Found>,
  second: string | undefined,
  directory: KeyDirectory,
  sha256Hex: (plaintext: string) => string,
): Promise<Found> {
  if (second === undefined) return first;
  let unavailable: KeyStoreUnavailableError | undefined;
  try {
    const found = await first;
    if (found !== undefined) return found;
  } catch (error) {
    if (!(error instanceof KeyStoreUnavailableError)) throw error;
    unavailable = error;
  }
  const other = await directory.find(sha256Hex(second));
  if (other === undefined && unavailable !== undefined) throw unavailable;
  return other;
}

async function judgeOnceFound(found: Promise<Found>, nowMs: number): Promise<KeyRecord | GatewayError> {
  try {
    return judge(await found, nowMs);
  } catch (error) {
    if (!(error instanceof KeyStoreUnavailableError)) throw error;
    return new GatewayError(
      'key_store_unavailable',
      'The gateway cannot look up this API key right now. Try again shortly.',
      { retryAfterSeconds: LOOK_UP_AGAIN_SECONDS, cause: error },
    );
  }
}

function judge(record: Found, nowMs: number): KeyRecord | GatewayError {
  if (record === undefined) return new GatewayError('invalid_key', 'The API key is not known to this gateway.');
  if (record.revoked) return new GatewayError('invalid_key', 'The API key has been revoked.');
  if (record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs) {
    return new GatewayError('expired_key', `The API key expired at ${new Date(record.expiresAtMs).toISOString()}.`);
  }
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
