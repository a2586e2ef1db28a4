import { decodeJwt, errors, jwtVerify } from 'jose';
import { createIssuerKeys, type IssuerKeysOptions } from './adapters/issuer-keys';
import type { Principal } from './principal';
import { rolesOf } from './roles-claim';

export interface OidcOptions extends IssuerKeysOptions {
  audience: string;
  /** Which claim tells the roles; default `switchboard_roles`. */
  rolesClaim?: string;
}

/** `reason` may be told to the caller: it holds nothing of the token. */
export type Verified = { ok: true; principal: Principal } | { ok: false; reason: string };

/** @throws IssuerUnavailableError when its keys cannot be had. */
export type TokenVerifier = (token: string) => Promise<Verified>;

/** Signatures only the issuer can make: with a shared secret, or none, whoever verifies could sign too. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const CLOCK_TOLERANCE_SECONDS = 30;
const ROLES_CLAIM = 'switchboard_roles';

/** Verifies JWTs of one issuer for one audience. */
export function createTokenVerifier(options: OidcOptions): TokenVerifier {
  const { issuer, audience, rolesClaim = ROLES_CLAIM } = options;
  const keys = createIssuerKeys(options);
  return async (token) => {
    try {
      // Told apart before a key is looked for: tokens of others must not make us ask our issuer.
      if (decodeJwt(token).iss !== issuer) return { ok: false, reason: 'the token is of an unknown issuer' };
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp', 'sub'],
      });
      const { sub } = payload;
      // It becomes a name in the audit log; OpenID allows no more than 255 ASCII characters either.
      if (typeof sub !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(sub)) return { ok: false, reason: claimFault('sub') };
      return { ok: true, principal: { actor: { name: `oidc:${sub}` }, roles: rolesOf(payload[rolesClaim]) } };
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === undefined) throw error;
      return { ok: false, reason };
    }
  };
}

/** Undefined for what is not the token's fault. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return claimReason(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token does not verify';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token is signed with an algorithm that is not accepted';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the token is signed with a key the issuer does not list';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'the token does not say which key signed it (kid)';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'the token is not a JWT';
  if (error instanceof errors.JOSENotSupported) return 'the token uses a feature that is not supported';
  return undefined;
}

function claimReason({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `the token lacks the claim ${claim}`;
  if (claim === 'aud') return 'the token is for another audience';
  if (claim === 'iss') return 'the token is of an unknown issuer';
  if (claim === 'nbf') return 'the token is not valid yet';
  return claimFault(claim);
}

function claimFault(claim: string): string {
  return `the claim ${claim} of the token is not acceptable`;
}
