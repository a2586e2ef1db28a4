import type { Provider, ProviderKind } from '@switchboard/contracts';
import { PROBE_INTERVAL_MS } from '@switchboard/platform';

/** Below the base URL, where each kind lists its models. Without a credential it is refused, which tells as much. */
const PATHS: Readonly<Record<ProviderKind, string>> = {
  anthropic: '/v1/models',
  'anthropic-compatible': '/v1/models',
  openai: '/models',
  openrouter: '/models',
  'azure-openai': '/models',
  'openai-compatible': '/models',
  'responses-compatible': '/models',
};

export interface ProbeTarget {
  url: URL;
  intervalMs: number;
  trustedNetwork: boolean;
}

/** Undefined: it is not probed. */
export function probeTarget({ kind, baseUrl, probe, trustedNetwork }: Provider): ProbeTarget | undefined {
  if (probe === 'off') return undefined;
  const url =
    probe?.path === undefined ? new URL(baseUrl + PATHS[kind]) : new URL(new URL(baseUrl).origin + probe.path);
  return { url, intervalMs: probe?.intervalMs ?? PROBE_INTERVAL_MS, trustedNetwork };
}
