import type { Provider, ProviderKind } from '@switchboard/contracts';
import { KINDS } from '@switchboard/upstreams';
import { asText, readEntries, refuseRepeated, type Entry, type Reading } from './entries';
import type { ConfigPath } from './faults';
import { refusePrivateBaseUrl } from './network-rule';
import { providerSchema, type ProviderEntry } from './provider-schema';
import { resolveSecret, secretSchema } from './secret';

/** The providers without faults, and the ids of all, so that what points at a faulty one is not called unknown too. */
export interface ReadProviders {
  providers: Provider[];
  ids: ReadonlySet<string>;
  complete: boolean;
}

export function readProviders(list: unknown, reading: Reading): ReadProviders {
  const entries = readEntries(providerSchema, list, ['providers'], reading.faults);
  refuseRepeated(entries, 'id', reading.faults);
  const providers = entries.flatMap((entry) => readProvider(entry, reading) ?? []);
  const ids = entries.flatMap((entry) => asText(entry.raw.id) ?? []);
  return { providers, ids: new Set(ids), complete: providers.length === entries.length };
}

function readProvider(entry: Entry<ProviderEntry>, reading: Reading): Provider | undefined {
  const baseUrl = readBaseUrl(entry, reading);
  const apiKey = readApiKey(entry, reading);
  if (entry.raw.apiVersion !== undefined && entry.raw.kind !== 'azure-openai') {
    reading.faults.add([...entry.path, 'apiVersion'], 'is of azure-openai only');
  }
  if (entry.value === undefined || baseUrl === undefined) return undefined;
  const { id, kind, apiVersion, headers, tier, timeouts, limits, probe, trustedNetwork } = entry.value;
  const provider: Provider = { id, kind, baseUrl, headers, tier, timeouts, limits, trustedNetwork };
  if (apiVersion !== undefined) provider.apiVersion = apiVersion;
  if (apiKey !== undefined) provider.apiKey = apiKey;
  if (probe !== undefined) provider.probe = readProbe(probe);
  return provider;
}

/** As it is stored: `false` is another way to write `off`. */
function readProbe(probe: NonNullable<ProviderEntry['probe']>): NonNullable<Provider['probe']> {
  if (typeof probe !== 'object') return 'off';
  const { path, intervalMs } = probe;
  return path === undefined ? { intervalMs } : { path, intervalMs };
}

function readApiKey(entry: Entry<ProviderEntry>, reading: Reading): string | undefined {
  const reference = secretSchema.safeParse(entry.raw.apiKey);
  if (!reference.success) return undefined;
  const path = [...entry.path, 'apiKey'];
  const resolved = resolveSecret(reference.data, reading.secrets);
  if (!resolved.ok) {
    reading.faults.add(path, resolved.fault);
    return undefined;
  }
  if (resolved.warning !== undefined)
    reading.warnings.push(`${asText(entry.raw.id) ?? 'provider'}: ${resolved.warning}`);
  return resolved.secret;
}

function readBaseUrl(entry: Entry<ProviderEntry>, reading: Reading): string | undefined {
  const kind = providerSchema.shape.kind.safeParse(entry.raw.kind);
  if (!kind.success) return undefined;
  const written = asText(entry.raw.baseUrl);
  const path = [...entry.path, 'baseUrl'];
  if (written === undefined) {
    const standard = KINDS[kind.data].defaultBaseUrl;
    if (standard === undefined && entry.raw.baseUrl === undefined) {
      reading.faults.add(path, `required for ${kind.data}`);
    }
    return standard;
  }
  return checkBaseUrl(written, { kind: kind.data, trustedNetwork: entry.raw.trustedNetwork === true, path }, reading);
}

/** The URL without its trailing slash, or undefined after naming its faults. The URL is not repeated: it may hold a secret. */
export function checkBaseUrl(
  written: string,
  provider: { kind: ProviderKind; trustedNetwork: boolean; path: ConfigPath },
  reading: Pick<Reading, 'faults' | 'standalone'>,
): string | undefined {
  const refuse = (message: string): undefined => {
    reading.faults.add(provider.path, message);
  };
  if (!URL.canParse(written)) return refuse('must be a URL');
  const url = new URL(written);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refuse('must start with https:// or http://');
  if (url.username !== '' || url.password !== '') return refuse('must not hold credentials: use apiKey');
  if (url.search !== '' || url.hash !== '') return refuse('must not have a query or a fragment');
  const baseUrl = written.replace(/\/+$/, '');
  const refusal =
    KINDS[provider.kind].baseUrlFault(baseUrl) ??
    refusePrivateBaseUrl(url, { ...provider, standalone: reading.standalone });
  return refusal === undefined ? baseUrl : refuse(refusal);
}
