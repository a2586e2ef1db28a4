import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';
import { KINDS, type UpstreamKind } from '@switchboard/upstreams';

interface Endpoint {
  kind: UpstreamKind;
  /** Flat name, value list: undici takes it without a conversion. */
  headers: readonly string[];
  /** By the model's name at the provider, for each dialect it is spoken to in. */
  paths: Partial<Record<DialectId, Map<string, string>>>;
}

const endpoints = new WeakMap<Provider, Endpoint>();

/** Worked out once per provider record: records are replaced, never changed. */
function endpointOf(provider: Provider): Endpoint {
  let endpoint = endpoints.get(provider);
  if (endpoint === undefined) {
    const kind = KINDS[provider.kind];
    endpoint = {
      kind,
      headers: [
        ...['content-type', 'application/json', 'user-agent', 'switchboard'],
        ...(provider.apiKey === undefined ? [] : kind.credential(provider.apiKey)),
        ...Object.entries(provider.headers).flat(),
      ],
      paths: {},
    };
    endpoints.set(provider, endpoint);
  }
  return endpoint;
}

/** Where a call in a dialect goes on the provider's host. `clientQuery`: with its question mark, or empty. */
export function requestPath(provider: Provider, dialect: DialectId, model: string, clientQuery: string): string {
  const { kind, paths: byDialect } = endpointOf(provider);
  const paths = (byDialect[dialect] ??= new Map<string, string>());
  let path = paths.get(model);
  if (path === undefined) paths.set(model, (path = kind.inferencePath(provider, model, dialect)));
  return clientQuery === '' || kind.ownsQuery === true ? path : path + clientQuery;
}

/** Headers of one call. `client`: of one that speaks the provider's dialect. */
export function callHeaders(
  provider: Provider,
  requestId: string,
  client: IncomingHttpHeaders | undefined,
  stream: boolean,
): string[] {
  const { kind, headers: constant } = endpointOf(provider);
  const headers = [...constant, 'x-request-id', requestId, 'accept', stream ? 'text/event-stream' : 'application/json'];
  kind.addCallHeaders?.(headers, client);
  return headers;
}
