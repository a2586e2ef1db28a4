import { isIP } from 'node:net';

/** What is wrong with an address or CIDR range; undefined: nothing. */
export function addressFault(range: string): string | undefined {
  const [address = '', prefix, ...rest] = range.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return `${range} is neither an address nor a CIDR range`;
  if (prefix === undefined) return undefined;
  const bits = family === 6 ? 128 : 32;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? undefined : `${range} needs a prefix from 0 to ${bits}`;
}
