import type { Provider } from '@switchboard/contracts';
import { type Managed, type ManagedBy, managedView } from './tenant-view';

/** A provider as it is stored in the open: without credential and header values. */
export type OpenProvider = Omit<Provider, 'apiKey' | 'headers'>;

export type ProviderSecrets = Pick<Provider, 'apiKey' | 'headers'>;

export interface ProviderView extends Omit<OpenProvider, 'apiVersion' | 'probe'> {
  apiVersion: string | null;
  probe: Provider['probe'] | null;
  hasApiKey: boolean;
  /** Names only: values may be credentials. */
  headerNames: string[];
  /** False: credential and headers are sealed under a key that is no longer there, and must be given anew. */
  secretsReadable: boolean;
  managedBy: ManagedBy;
  createdAt: string;
  updatedAt: string;
}

/** `secrets`: absent where they cannot be opened. */
export function providerView(
  provider: OpenProvider,
  secrets: ProviderSecrets | undefined,
  managed: Managed,
): ProviderView {
  return { ...providerFields(provider, secrets), ...managedView(managed) };
}

export function providerFields(provider: OpenProvider, secrets: ProviderSecrets | undefined) {
  const { id, kind, baseUrl, apiVersion, tier, timeouts, limits, probe, trustedNetwork } = provider;
  return {
    ...{
      id,
      kind,
      baseUrl,
      apiVersion: apiVersion ?? null,
      tier,
      timeouts,
      limits,
      probe: probe ?? null,
      trustedNetwork,
    },
    hasApiKey: secrets?.apiKey !== undefined,
    headerNames: Object.keys(secrets?.headers ?? {}).sort(),
    secretsReadable: secrets !== undefined,
  };
}
