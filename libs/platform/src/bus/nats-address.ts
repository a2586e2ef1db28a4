import { type Authenticator, credsAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } from 'nats';

/** Where NATS is and how to sign in there. */
export interface NatsAddress {
  /** `host:port` each. */
  servers: string[];
  /** For the log: without credentials. */
  display: string;
  tls: boolean;
  authenticator?: Authenticator;
}

const SCHEMES = new Set(['nats:', 'tls:']);
const DEFAULT_PORT = '4222';

/**
 * Reads `nats://[user:password@|token@]host[:port]` (`tls://` for an encrypted connection), several separated by commas:
 * members of one cluster. `credentials` is the text of a `.creds` file and comes before what the URL says.
 *
 * @throws Error that repeats nothing of the URL: it may hold a password.
 */
export function parseNatsUrl(url: string, credentials?: string): NatsAddress {
  const parts = url.split(',').map((part) => part.trim());
  if (!parts.every((part) => URL.canParse(part) && SCHEMES.has(new URL(part).protocol))) {
    throw new Error('not a NATS address: expected nats://host:port or tls://host:port, several separated by commas');
  }
  const members = parts.map((part) => new URL(part));
  const [first] = members as [URL, ...URL[]];
  const servers = members.map(({ hostname, port }) => `${hostname}:${port || DEFAULT_PORT}`);
  const authenticator = authenticatorOf(first, credentials);
  return {
    servers,
    display: servers.map((server) => `${first.protocol}//${server}`).join(','),
    tls: members.some(({ protocol }) => protocol === 'tls:'),
    ...(authenticator && { authenticator }),
  };
}

function authenticatorOf({ username, password }: URL, credentials?: string): Authenticator | undefined {
  if (credentials !== undefined) return credsAuthenticator(new TextEncoder().encode(credentials));
  const [name, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  if (secret !== '') return usernamePasswordAuthenticator(name, secret);
  return name === '' ? undefined : tokenAuthenticator(name);
}
