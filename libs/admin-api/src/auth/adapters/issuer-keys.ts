import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';

/** The issuer, or where it keeps its keys, does not answer as it must; the message is for the log. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError';
}

export interface IssuerKeysOptions {
  issuer: string;
  /** Where the key set is; absent: as the issuer's discovery document says. */
  jwksUri?: string;
  /** How long, after a fetch, an unknown key or a failure does not cause the next one. */
  cooldownMs?: number;
}

const COOLDOWN_MS = 10_000;
const FAILURE_COOLDOWN_MS = 2_000;
const FETCH_TIMEOUT_MS = 3_000;
const DEADLINE_MS = 4_000;

type KeySet = ReturnType<typeof createRemoteJWKSet>;

/**
 * The issuer's public keys, fetched when first needed and again when a token names one that is not among them.
 * The returned function throws IssuerUnavailableError when they cannot be had.
 */
export function createIssuerKeys(options: IssuerKeysOptions): JWTVerifyGetKey {
  const cooldownMs = options.cooldownMs ?? COOLDOWN_MS;
  let keySet: KeySet | undefined;
  let failure: { error: IssuerUnavailableError; untilMs: number } | undefined;

  const open = async (): Promise<KeySet> => {
    const uri = options.jwksUri ?? (await discoverJwksUri(options.issuer));
    return createRemoteJWKSet(new URL(uri), { cooldownDuration: cooldownMs, timeoutDuration: FETCH_TIMEOUT_MS });
  };

  const find: JWTVerifyGetKey = async (header, token) => {
    keySet ??= await open();
    return keySet(header, token);
  };

  return async (header, token) => {
    // Keys at hand serve on while the issuer is away.
    if (keySet?.fresh !== true && failure !== undefined && performance.now() < failure.untilMs) throw failure.error;
    try {
      return await withinTime(Promise.resolve(find(header, token)));
    } catch (error) {
      // These two are said of the token; all else is the issuer's.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      const unavailable = new IssuerUnavailableError(`the keys of ${options.issuer} cannot be fetched`, {
        cause: error,
      });
      failure = { error: unavailable, untilMs: performance.now() + Math.min(cooldownMs, FAILURE_COOLDOWN_MS) };
      throw unavailable;
    }
  };
}

async function discoverJwksUri(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const reply = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (!reply.ok) throw new Error(`${url} answered ${reply.status}`);
  const document: unknown = await reply.json();
  if (typeof document !== 'object' || document === null) throw new Error(`${url} holds no object`);
  const { issuer: told, jwks_uri: uri } = document as Record<string, unknown>;
  // Else whoever can answer in the issuer's place could name an issuer of theirs.
  if (told !== issuer) throw new Error(`${url} is of another issuer`);
  if (typeof uri !== 'string' || !URL.canParse(uri)) throw new Error(`${url} names no jwks_uri`);
  return uri;
}

/** A fetch's own timeout counts silence only; a reply that trickles in would go on for ever. */
async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
