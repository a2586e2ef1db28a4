import { BlockList, isIP } from 'node:net';

const PRIVATE_RANGES: readonly [network: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
  ['::', 127],
  // Addresses that carry an IPv4 address inside: translators and tunnels, never an API's own.
  ['64:ff9b::', 96],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
];

function blockListOf(ranges: readonly [string, number][]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, isIP(network) === 6 ? 'ipv6' : 'ipv4');
  return list;
}

const PRIVATE = blockListOf(PRIVATE_RANGES);
const LOOPBACK = blockListOf([
  ['127.0.0.0', 8],
  ['::1', 128],
]);

/** Names that stand for machines of one's own: loopback, home and cluster networks, cloud metadata services. */
const PRIVATE_SUFFIXES = ['localhost', 'local', 'localdomain', 'internal', 'lan', 'home.arpa', 'svc', 'cluster.local'];

function plainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function listed(list: BlockList, address: string): boolean {
  // BlockList compares an IPv4-mapped IPv6 address with the IPv4 ranges by itself.
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

export function isLoopbackHost(host: string): boolean {
  const plain = plainHost(host);
  return plain === 'localhost' || plain.endsWith('.localhost') || listed(LOOPBACK, plain);
}

/**
 * True for a literal address outside the public internet and for names that never leave one's own network (`localhost`,
 * `x.internal`, a name without a dot). Other names are not looked up here: what they resolve to is checked on connecting.
 */
export function isPrivateAddress(host: string): boolean {
  const plain = plainHost(host);
  if (isIP(plain) !== 0) return listed(PRIVATE, plain);
  if (!plain.includes('.')) return true;
  return PRIVATE_SUFFIXES.some((suffix) => plain.endsWith(`.${suffix}`));
}

/** Why a base URL may not be used, or undefined where it may. `url` is already known to be a URL. */
export function refusePrivateBaseUrl(
  url: URL,
  rule: { trustedNetwork: boolean; standalone: boolean },
): string | undefined {
  if (rule.trustedNetwork || !isPrivateAddress(url.hostname)) return undefined;
  if (rule.standalone && isLoopbackHost(url.hostname)) return undefined;
  return 'is in a private network: set trustedNetwork: true if that is meant';
}
