import type { NanoUsd } from '@switchboard/contracts';

/** `$25.00`, `$0.25`, `$0.0502`, `$0.00000012`: two decimals, below a dollar four, more only where it would vanish. */
export function formatUsd(nanoUsd: NanoUsd): string {
  const usd = nanoUsd / 1e9;
  const size = Math.abs(usd);
  const decimals = size >= 1 || size === 0 ? 2 : size >= 0.0001 ? 4 : 9;
  return `$${usd.toFixed(decimals).replace(/(\.\d\d\d*?)0+$/, '$1')}`;
}
