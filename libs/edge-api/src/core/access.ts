import { BlockList, isIPv4, isIPv6 } from 'node:net';
import {
  boundsOf,
  GatewayError,
  type KeyRecord,
  type Permission,
  type ReservedScope,
  reservedScopes,
  type ScopeBounds,
} from '@switchboard/contracts';
import { globMatcher } from '@switchboard/platform';

/** The compiled form of a key's rules; made once per record, since records are replaced and never changed. */
interface Rules {
  models: ((name: string) => boolean) | undefined;
  addresses: BlockList | undefined;
  boundBy: BoundBy;
  bounds: readonly ScopeBounds[];
  reservedIn: ReservedScope[];
}

/** The strictest of what bounds a key's calls, its own or its tenant's. */
export type BoundBy = 'nothing' | 'limits' | 'budget';

const compiled = new WeakMap<KeyRecord, Rules>();

function rulesOf(key: KeyRecord): Rules {
  let rules = compiled.get(key);
  if (rules === undefined) {
    const bounds = boundsOf(key.tenant, key);
    rules = {
      models: key.models.length === 0 ? undefined : globMatcher(key.models),
      addresses: key.ips.length === 0 ? undefined : addressList(key.ips),
      boundBy: strictestOf(bounds),
      bounds,
      reservedIn: reservedScopes(bounds),
    };
    compiled.set(key, rules);
  }
  return rules;
}

export function boundBy(key: KeyRecord): BoundBy {
  return rulesOf(key).boundBy;
}

/** What every call of the key is counted against: its own bounds, its tenant's. */
export function boundsOfKey(key: KeyRecord): readonly ScopeBounds[] {
  return rulesOf(key).bounds;
}

/** The names of these. */
export function reservedIn(key: KeyRecord): ReservedScope[] {
  return rulesOf(key).reservedIn;
}

function strictestOf(bounds: readonly ScopeBounds[]): BoundBy {
  if (bounds.some(({ budgets }) => budgets.length > 0)) return 'budget';
  return bounds.length > 0 ? 'limits' : 'nothing';
}

/** Whether it may call at all. */
export function mayCall({ tenant }: KeyRecord): GatewayError | undefined {
  return tenant.active ? undefined : new GatewayError('tenant_inactive', 'The tenant of this API key is not active.');
}

export function mayUse(key: KeyRecord, permission: Permission): GatewayError | undefined {
  if (key.permissions.includes('*') || key.permissions.includes(permission)) return undefined;
  return new GatewayError('permission_denied', `This API key does not have the permission "${permission}".`);
}

/** `names`: the resolved id, or the routing name (`auto`) where that is what the client asked for. */
export function mayUseModel(key: KeyRecord, ...names: string[]): boolean {
  const allowed = rulesOf(key).models;
  return allowed === undefined || names.some(allowed);
}

export function mayCallFrom(key: KeyRecord, origin: string | undefined, address: string): GatewayError | undefined {
  if (key.origins.length > 0 && (origin === undefined || !key.origins.includes(origin))) {
    return new GatewayError(
      'domain_not_allowed',
      origin === undefined
        ? 'This API key only works from listed web origins, and the request has no Origin header.'
        : `This API key may not be used from the origin ${origin}.`,
    );
  }
  const addresses = rulesOf(key).addresses;
  if (addresses !== undefined && !inList(addresses, address)) {
    return new GatewayError('ip_not_allowed', `This API key may not be used from the address ${address}.`);
  }
  return undefined;
}

export function addressList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

export function inList(list: BlockList, address: string): boolean {
  return isIPv4(address) ? list.check(address, 'ipv4') : list.check(address, 'ipv6');
}

/** The caller's address: the socket's, or behind trusted proxies the last hop that is not one of them. */
export function callerAddress(
  socketAddress: string | undefined,
  forwardedFor: string | undefined,
  trusted: BlockList | undefined,
): string {
  const peer = plainAddress(socketAddress ?? '');
  if (trusted === undefined || forwardedFor === undefined || !inList(trusted, peer)) return peer;
  const hops = forwardedFor.split(',').map((hop) => plainAddress(hop.trim()));
  for (let index = hops.length - 1; index >= 0; index--) {
    const hop = hops[index] ?? '';
    if (!isIPv4(hop) && !isIPv6(hop)) return peer;
    if (!inList(trusted, hop)) return hop;
  }
  return hops[0] ?? peer;
}

/** `::ffff:10.0.0.1` is how a dual-stack socket writes 10.0.0.1. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
