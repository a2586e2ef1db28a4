import { decodeProvider, SealError, type Sealer } from '@switchboard/platform';
import type { ProviderSecrets, ProviderView } from '../core/provider-view';
import { providerView } from '../core/provider-view';
import { managedOf, openProviderOf, type ProviderRow } from './rows';

/** Undefined: sealed under a key that is not in the ring. */
export function secretsOf(
  row: Pick<ProviderRow, 'spec' | 'sealed'>,
  sealer: Pick<Sealer, 'open'>,
): ProviderSecrets | undefined {
  try {
    const { apiKey, headers } = decodeProvider({ ...openProviderOf(row), sealed: row.sealed }, sealer);
    return { ...(apiKey === undefined ? {} : { apiKey }), headers };
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

export function viewOfProvider(row: ProviderRow, sealer: Pick<Sealer, 'open'>): ProviderView {
  return providerView(openProviderOf(row), secretsOf(row, sealer), managedOf(row));
}
