import type { Provider } from '@switchboard/contracts';
import { PROBE_INTERVAL_MS } from '@switchboard/platform';
import { KINDS } from '@switchboard/upstreams';

export interface ProbeTarget {
  url: URL;
  intervalMs: number;
  trustedNetwork: boolean;
}

/** Undefined: it is not probed. */
export function probeTarget({ kind, baseUrl, probe, trustedNetwork }: Provider): ProbeTarget | undefined {
  if (probe === 'off') return undefined;
  const url =
    probe?.path === undefined
      ? new URL(baseUrl + KINDS[kind].probePath(baseUrl))
      : new URL(new URL(baseUrl).origin + probe.path);
  return { url, intervalMs: probe?.intervalMs ?? PROBE_INTERVAL_MS, trustedNetwork };
}
