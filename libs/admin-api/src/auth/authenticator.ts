import type { Logger } from '@switchboard/platform';
import { AdminError } from '../core/admin-error';
import { carriesToken } from '../core/bearer';
import { IssuerUnavailableError } from './adapters/issuer-keys';
import { PLATFORM_OWNER, type Principal } from './principal';
import { createTokenVerifier, type OidcOptions, type TokenVerifier } from './token-verifier';

export interface AuthenticationOptions {
  /** Its bearer owns the platform. */
  adminToken?: string;
  oidc?: OidcOptions;
  logger: Logger;
}

const RETRY_SECONDS = 5;

/** Who sent a request, by its Authorization header. */
export class Authenticator {
  private readonly verify: TokenVerifier | undefined;

  constructor(private readonly options: AuthenticationOptions) {
    this.verify = options.oidc === undefined ? undefined : createTokenVerifier(options.oidc);
  }

  /** @throws AdminError 401 when the credentials are not good, 403 when they give no role, 503 when none can be checked. */
  async authenticate(authorization: string | undefined): Promise<Principal> {
    const adminToken = this.options.adminToken ?? '';
    if (adminToken === '' && this.verify === undefined) {
      throw new AdminError(
        503,
        'admin_token_not_configured',
        'The admin API is off: set ADMIN_TOKEN and restart to use it.',
      );
    }
    if (adminToken !== '' && carriesToken(authorization, adminToken)) return PLATFORM_OWNER;
    const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (this.verify === undefined || token === undefined) throw this.unauthorized();
    return this.verified(token, this.verify);
  }

  private async verified(token: string, verify: TokenVerifier): Promise<Principal> {
    const verified = await verify(token).catch((error: unknown) => {
      if (!(error instanceof IssuerUnavailableError)) throw error;
      this.options.logger.warn({ err: error }, 'an identity token cannot be checked');
      throw new AdminError(503, 'issuer_unavailable', 'The token cannot be checked now: its issuer does not answer.', {
        headers: { 'retry-after': String(RETRY_SECONDS) },
        cause: error,
      });
    });
    if (!verified.ok) throw invalidToken(verified.reason);
    if (verified.principal.roles.size === 0) {
      throw new AdminError(403, 'no_role', 'The token is good, but gives no role in any tenant.');
    }
    return verified.principal;
  }

  private unauthorized(): AdminError {
    const { adminToken, oidc } = this.options;
    const ways = [
      ...(adminToken === undefined ? [] : ['<ADMIN_TOKEN>']),
      ...(oidc === undefined ? [] : ['<token of the identity provider>']),
    ];
    const kind = adminToken === undefined ? 'a token' : oidc === undefined ? 'the admin token' : 'a token';
    const message = `Send ${kind}: ${ways.map((way) => `\`Authorization: Bearer ${way}\``).join(' or ')}.`;
    return new AdminError(401, 'unauthorized', message, { headers: { 'www-authenticate': 'Bearer' } });
  }
}

/** As RFC 6750 has it. */
function invalidToken(reason: string): AdminError {
  return new AdminError(401, 'invalid_token', `The token is refused: ${reason}.`, {
    headers: { 'www-authenticate': `Bearer error="invalid_token", error_description="${reason}"` },
  });
}
