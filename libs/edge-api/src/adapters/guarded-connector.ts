import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isLoopbackHost, isPrivateAddress } from '@switchboard/platform';
import { buildConnector } from 'undici';

/** All addresses of a name. */
export type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface ConnectorOptions {
  timeoutMs: number;
  /** Any address will do. */
  trustedNetwork: boolean;
  /** This machine's own addresses too. */
  allowLoopback: boolean;
  resolve?: Resolver;
}

/** The upstream's address is inside a private network, which nobody has said is meant. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
  readonly code = 'ERR_PRIVATE_ADDRESS';

  constructor(hostname: string, address: string) {
    const where = hostname === address ? address : `${hostname} (${address})`;
    super(`${where} is in a private network and was not connected to: set trustedNetwork: true if that is meant`);
  }
}

/**
 * Connects to public addresses only. A name is resolved here, once per connection, and the addresses that were judged are
 * those connected to: what the name resolves to a moment later (DNS rebinding) plays no part. One private address among
 * several refuses them all.
 */
export function guardedConnector(options: ConnectorOptions): buildConnector.connector {
  const { timeoutMs, trustedNetwork, resolve = dnsLookup } = options;
  const isRefused = (address: string): boolean =>
    !trustedNetwork && isPrivateAddress(address) && !(options.allowLoopback && isLoopbackHost(address));
  const connect = buildConnector({ timeout: timeoutMs, lookup: guardedLookup(resolve, isRefused) });
  return (target, done) => {
    // Sockets do not look a literal address up.
    const literal = target.hostname.replace(/^\[|\]$/g, '');
    if (isIP(literal) !== 0 && isRefused(literal)) return done(new PrivateAddressError(literal, literal), null);
    connect(target, done);
  };
}

function guardedLookup(resolve: Resolver, isRefused: (address: string) => boolean): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const refused = addresses.find(({ address }) => isRefused(address));
      if (refused !== undefined) return done(new PrivateAddressError(hostname, refused.address), []);
      const [first] = addresses;
      if (options.all === true) return done(null, addresses);
      if (first === undefined) return done(new Error(`${hostname} has no address`), []);
      done(null, first.address, first.family);
    });
  };
}
