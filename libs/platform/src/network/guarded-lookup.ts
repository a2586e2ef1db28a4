import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isLoopbackHost, isPrivateAddress } from '../config/network-rule';

/** All addresses of a name. */
export type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface AddressRule {
  /** Any address will do. */
  trustedNetwork: boolean;
  /** This machine's own addresses too. */
  allowLoopback: boolean;
}

/** The address is inside a private network, which nobody has said is meant. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
  readonly code = 'ERR_PRIVATE_ADDRESS';

  constructor(hostname: string, address: string) {
    const where = hostname === address ? address : `${hostname} (${address})`;
    super(`${where} is in a private network and was not connected to: set trustedNetwork: true if that is meant`);
  }
}

/** Why a URL's host may not be connected to. Names pass: sockets look them up, and do not look a literal address up. */
export function refusalOfLiteral(hostname: string, rule: AddressRule): PrivateAddressError | undefined {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) !== 0 && isRefused(literal, rule) ? new PrivateAddressError(literal, literal) : undefined;
}

/**
 * A `lookup` for sockets that gives public addresses only. A name is resolved here, once per connection, and the addresses
 * that were judged are those connected to: what the name resolves to a moment later (DNS rebinding) plays no part. One
 * private address among several refuses them all.
 */
export function guardedLookup(rule: AddressRule, resolve: Resolver = dnsLookup): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const refused = addresses.find(({ address }) => isRefused(address, rule));
      if (refused !== undefined) return done(new PrivateAddressError(hostname, refused.address), []);
      const [first] = addresses;
      if (options.all === true) return done(null, addresses);
      if (first === undefined) return done(new Error(`${hostname} has no address`), []);
      done(null, first.address, first.family);
    });
  };
}

function isRefused(address: string, { trustedNetwork, allowLoopback }: AddressRule): boolean {
  return !trustedNetwork && isPrivateAddress(address) && !(allowLoopback && isLoopbackHost(address));
}
