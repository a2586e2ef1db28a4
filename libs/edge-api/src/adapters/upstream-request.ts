import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '@switchboard/contracts';
import type { DialectId, OperationId } from '@switchboard/protocol';
import { KINDS, type UpstreamKind } from '@switchboard/upstreams';

interface Endpoint {
  kind: UpstreamKind;
  /** Flat name, value list: undici takes it without a conversion. */
  headers: readonly string[];
  /** By the model's name at the provider, for each dialect it is spoken to in, and for what is no conversation. */
  paths: Partial<Record<DialectId | OperationId, Map<string, string>>>;
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

/**
 * Where a call in a dialect goes on the provider's host. `clientQuery`: with its question mark, or empty. `operation`: of
 * what is no conversation, which the provider's kind must have.
 */
export function requestPath(
  provider: Provider,
  dialect: DialectId,
  model: string,
  clientQuery: string,
  operation?: OperationId,
): string {
  const { kind, paths: byTarget } = endpointOf(provider);
  const paths = (byTarget[operation ?? dialect] ??= new Map<string, string>());
  let path = paths.get(model);
  if (path === undefined) paths.set(model, (path = pathAt(provider, dialect, model, operation)));
  return clientQuery === '' || kind.ownsQuery === true ? path : path + clientQuery;
}

function pathAt(provider: Provider, dialect: DialectId, model: string, operation: OperationId | undefined): string {
  const kind = KINDS[provider.kind];
  if (operation === undefined) return kind.inferencePath(provider, model, dialect);
  const path = kind.operationPath?.(provider, model, operation);
  if (path === undefined) throw new Error(`providers of the kind ${provider.kind} have no ${operation}`);
  return path;
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
