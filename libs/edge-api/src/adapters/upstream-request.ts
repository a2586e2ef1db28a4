import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '@switchboard/contracts';
import type { OperationId } from '@switchboard/protocol';
import { KINDS, type UpstreamKind } from '@switchboard/upstreams';

interface Endpoint {
  kind: UpstreamKind;
  /** Flat name, value list: undici takes it without a conversion. */
  headers: readonly string[];
  /** By the model's name at the provider. */
  paths: Map<string, string>;
  operationPaths: Partial<Record<OperationId, Map<string, string>>>;
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
      paths: new Map(),
      operationPaths: {},
    };
    endpoints.set(provider, endpoint);
  }
  return endpoint;
}

/**
 * Where a call goes on the provider's host. `clientQuery`: with its question mark, or empty. `operation`: of what is no
 * conversation, which the provider's kind must have.
 */
export function requestPath(provider: Provider, model: string, clientQuery: string, operation?: OperationId): string {
  const { kind, paths: conversationPaths, operationPaths } = endpointOf(provider);
  const paths = operation === undefined ? conversationPaths : (operationPaths[operation] ??= new Map<string, string>());
  let path = paths.get(model);
  if (path === undefined) paths.set(model, (path = pathAt(kind, provider, model, operation)));
  return clientQuery === '' || kind.ownsQuery === true ? path : path + clientQuery;
}

function pathAt(kind: UpstreamKind, provider: Provider, model: string, operation?: OperationId): string {
  if (operation === undefined) return kind.inferencePath(provider, model);
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
