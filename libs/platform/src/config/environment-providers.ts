import type { Provider, ProviderKind } from '@switchboard/contracts';
import { KINDS } from '@switchboard/upstreams';
import type { Reading } from './entries';
import { isLoopbackHost } from './network-rule';
import { providerSchema } from './provider-schema';
import { checkBaseUrl, type ReadProviders } from './read-providers';

interface EnvironmentProvider {
  id: string;
  kind: ProviderKind;
  keyVariable: string;
  baseUrlVariable?: string;
}

/** The base URLs follow the SDKs that read the same variables: Anthropic's without `/v1`, OpenAI's with it. */
const ENVIRONMENT_PROVIDERS: readonly EnvironmentProvider[] = [
  {
    id: 'anthropic-direct',
    kind: 'anthropic',
    keyVariable: 'ANTHROPIC_API_KEY',
    baseUrlVariable: 'ANTHROPIC_BASE_URL',
  },
  { id: 'openai-direct', kind: 'openai', keyVariable: 'OPENAI_API_KEY', baseUrlVariable: 'OPENAI_BASE_URL' },
  { id: 'openrouter', kind: 'openrouter', keyVariable: 'OPENROUTER_API_KEY' },
];

/** The providers whose key stands in the environment. */
export function environmentProviders(reading: Reading): ReadProviders {
  const configured = ENVIRONMENT_PROVIDERS.filter((provider) => valueOf(reading, provider.keyVariable) !== undefined);
  const providers = configured.flatMap((provider) => readProvider(provider, reading) ?? []);
  return {
    providers,
    ids: new Set(configured.map((provider) => provider.id)),
    complete: providers.length === configured.length,
  };
}

function valueOf(reading: Reading, variable: string): string | undefined {
  const value = reading.secrets.env[variable]?.trim();
  return value === '' ? undefined : value;
}

function readProvider(provider: EnvironmentProvider, reading: Reading): Provider | undefined {
  const { id, kind, keyVariable } = provider;
  const baseUrl = readBaseUrl(provider, reading);
  const apiKey = valueOf(reading, keyVariable);
  if (baseUrl === undefined || apiKey === undefined) return undefined;
  const { headers, tier, timeouts, limits, trustedNetwork } = providerSchema.parse({ id, kind });
  return { id, kind, baseUrl, apiKey, headers, tier, timeouts, limits, trustedNetwork };
}

function readBaseUrl(provider: EnvironmentProvider, reading: Reading): string | undefined {
  const variable = provider.baseUrlVariable;
  const written = variable === undefined ? undefined : valueOf(reading, variable);
  if (variable === undefined || written === undefined) return KINDS[provider.kind].defaultBaseUrl;
  const path = [variable];
  const baseUrl = checkBaseUrl(written, { kind: provider.kind, trustedNetwork: false, path }, reading);
  if (baseUrl === undefined) return undefined;
  if (isOwnAddress(new URL(baseUrl), reading.secrets.env)) {
    reading.faults.add(path, 'is this gateway itself, which would call itself for ever: unset it for the gateway');
    return undefined;
  }
  reading.warnings.push(`${variable} is set: ${provider.id} is reached there`);
  return baseUrl;
}

/** The same shell often points a client at the gateway with the very variable that is read here. */
function isOwnAddress(url: URL, env: NodeJS.ProcessEnv): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return isLoopbackHost(url.hostname) && port === (env.PORT ?? '8080');
}
