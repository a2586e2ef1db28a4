import type { BlockList } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError, type KeyRecord } from '@switchboard/contracts';
import type { DialectId, JsonObject } from '@switchboard/protocol';
import { addressList, callerAddress, mayCall, mayCallFrom } from './core/access';
import { authenticate, readCredentials } from './core/authenticate';
import { errorReply } from './core/error-reply';
import { LoggedCall } from './core/logged-call';
import { identityHeaders, readClientRequestId, type ReplyHeaders, type RequestIdentity } from './core/reply-headers';
import { gatewayFault } from './core/upstream-failure';
import { newRequestId } from './core/request-id';
import { isCall, matchRoute, type Route, type RouteMatch } from './core/routes';
import { endAfterBody } from './adapters/end-after-body';
import { keyDigest } from './adapters/key-digest';
import { CountTokensHandler } from './count-tokens-handler';
import type { EdgeContext } from './inference/edge-context';
import { InferenceHandler } from './inference/inference-handler';
import { ModelsHandler } from './models-handler';
import { ResponsesHandler } from './responses-handler';

/** Every request of the public port: route, authenticate, hand over. Errors are told in the path's own dialect. */
export class PublicHandler {
  private readonly inference: InferenceHandler;
  private readonly counting: CountTokensHandler;
  private readonly models: ModelsHandler;
  private readonly responses: ResponsesHandler;
  private readonly trustedProxies: BlockList | undefined;

  constructor(private readonly edge: EdgeContext) {
    this.inference = new InferenceHandler(edge);
    this.counting = new CountTokensHandler(edge);
    this.models = new ModelsHandler(edge);
    this.responses = new ResponsesHandler(edge);
    const { trustedProxies } = edge.settings;
    this.trustedProxies = trustedProxies.length === 0 ? undefined : addressList(trustedProxies);
  }

  readonly handle = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { headers, url = '/' } = incoming;
    const match = matchRoute(url, headers);
    const identity: RequestIdentity = {
      requestId: newRequestId(),
      clientRequestId: readClientRequestId(headers['x-request-id']),
      origin: headers.origin,
      call: undefined,
      key: undefined,
      url,
      route: match.found ? match.route.name : undefined,
      startedMs: this.edge.traces === undefined ? 0 : performance.now(),
      admissionMs: 0,
      trace: undefined,
    };
    const dialect = match.found ? match.route.dialect : match.dialect;
    const refuse = (error: GatewayError): void => this.refuse(incoming, response, dialect, identity, error);
    try {
      this.dispatch(incoming, response, match, identity, refuse);
    } catch (error) {
      this.edge.log.error({ err: error, requestId: identity.requestId }, 'a request failed inside the gateway');
      refuse(gatewayFault(error));
    }
  };

  private dispatch(
    incoming: IncomingMessage,
    response: ServerResponse,
    match: RouteMatch,
    identity: RequestIdentity,
    refuse: (error: GatewayError) => void,
  ): void {
    const method = incoming.method ?? 'GET';
    if (method === 'OPTIONS') {
      if (this.edge.drain.begun) response.shouldKeepAlive = false;
      return preflight(response, identity);
    }
    if (isWebSocket(incoming)) {
      response.setHeader('upgrade', 'HTTP/1.1');
      return refuse(new GatewayError('upgrade_required', 'WebSockets are not served here; use HTTP.'));
    }
    if (!match.found) return refuse(routeNotFound(method, incoming.url ?? '/', match.hint));
    const { route } = match;
    if (!route.methods.includes(method)) {
      response.setHeader('allow', route.methods.join(', '));
      return refuse(
        new GatewayError('method_not_allowed', `${method} is not allowed here; use ${route.methods.join(' or ')}.`),
      );
    }
    if (route.name === 'hello') return this.send(incoming, response, route.dialect, identity, { ok: true });
    if (route.name === 'not-yet') return refuse(notServedYet(incoming.url ?? '/'));
    const credentials = readCredentials(incoming.headers['x-api-key'], incoming.headers.authorization);
    const caller = authenticate(credentials, this.edge.keys, keyDigest(incoming.socket), Date.now());
    if (!(caller instanceof Promise)) return this.answer(incoming, response, route, caller, identity, refuse);
    caller
      .then((found) => {
        // Nothing read the body meanwhile, so all of it is still to come; but who would be told may have left.
        if (!response.destroyed) this.answer(incoming, response, route, found, identity, refuse);
      })
      .catch((error: unknown) => refuse(this.asGatewayError(error, identity)));
  }

  private answer(
    incoming: IncomingMessage,
    response: ServerResponse,
    route: Route,
    caller: KeyRecord | GatewayError,
    identity: RequestIdentity,
    refuse: (error: GatewayError) => void,
  ): void {
    if (caller instanceof GatewayError) return refuse(caller);
    identity.key = caller;
    if (caller.logging.requests) this.beginLog(incoming, response, route, caller, identity);
    const denied = mayCall(caller) ?? this.deniedFromHere(incoming, caller, identity);
    if (denied !== undefined) return refuse(denied);
    this.serve(incoming, response, route, caller, identity, refuse);
  }

  /** For calls that may spend or refuse; whoever leaves before their call is an exchange is told of too. */
  private beginLog(
    incoming: IncomingMessage,
    response: ServerResponse,
    route: Route,
    key: KeyRecord,
    identity: RequestIdentity,
  ): void {
    const { calls } = this.edge;
    if (calls === undefined || !isCall(route)) return;
    const call = new LoggedCall(calls, {
      ...{ requestId: identity.requestId, clientRequestId: identity.clientRequestId, key, endpoint: route.name },
      ...{ clientDialect: route.dialect, ip: this.addressOf(incoming), headers: incoming.headers },
    });
    identity.call = call;
    response.once('close', () => call.connectionClosed());
  }

  private deniedFromHere(
    incoming: IncomingMessage,
    key: KeyRecord,
    { origin }: RequestIdentity,
  ): GatewayError | undefined {
    if (key.ips.length === 0 && key.origins.length === 0) return undefined;
    return mayCallFrom(key, origin, this.addressOf(incoming));
  }

  private addressOf({ headers, socket }: IncomingMessage): string {
    const forwardedFor = headers['x-forwarded-for'];
    return callerAddress(
      socket.remoteAddress,
      Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor,
      this.trustedProxies,
    );
  }

  private serve(
    incoming: IncomingMessage,
    response: ServerResponse,
    route: Route,
    key: KeyRecord,
    identity: RequestIdentity,
    refuse: (error: GatewayError) => void,
  ): void {
    switch (route.name) {
      case 'messages':
      case 'chat-completions':
      case 'responses':
      case 'embeddings':
      case 'completions':
        return this.inference.handle(incoming, response, route, key, identity, refuse);
      case 'count-tokens':
      case 'input-tokens':
        this.counting.handle(incoming, route.dialect, key, identity).then(
          ({ tokens, source }) => {
            if (response.destroyed) return;
            identity.call?.counted();
            response.setHeader(this.edge.names.tokenCount, source);
            const counted: JsonObject = { input_tokens: tokens };
            if (route.name === 'input-tokens') counted['object'] = 'response.input_tokens';
            this.send(incoming, response, route.dialect, identity, counted);
          },
          (error: unknown) => refuse(this.asGatewayError(error, identity)),
        );
        return;
      case 'response':
      case 'input-items':
        this.responses.answer(incoming.method, route, key, queryOf(incoming)).then(
          (answer) => {
            if (!response.destroyed) this.send(incoming, response, route.dialect, identity, answer);
          },
          (error: unknown) => refuse(this.asGatewayError(error, identity)),
        );
        return;
      default: {
        const answer = this.models.answer(route, key, queryOf(incoming));
        if (answer instanceof GatewayError) return refuse(answer);
        return this.send(incoming, response, route.dialect, identity, answer);
      }
    }
  }

  private asGatewayError(error: unknown, { requestId }: RequestIdentity): GatewayError {
    if (error instanceof GatewayError) return error;
    this.edge.log.error({ err: error, requestId }, 'a request failed inside the gateway');
    return gatewayFault(error);
  }

  private send(
    incoming: IncomingMessage,
    response: ServerResponse,
    dialect: DialectId,
    identity: RequestIdentity,
    body: JsonObject,
  ): void {
    const bytes = Buffer.from(JSON.stringify(body));
    if (this.edge.drain.begun) response.shouldKeepAlive = false;
    response.writeHead(200, this.jsonHeaders(dialect, identity, bytes));
    response.end(incoming.method === 'HEAD' ? undefined : bytes);
  }

  private jsonHeaders(dialect: DialectId, identity: RequestIdentity, body: Buffer): ReplyHeaders {
    const headers = identityHeaders(this.edge.names, dialect, identity);
    headers['content-type'] = 'application/json';
    headers['content-length'] = body.length;
    return headers;
  }

  private refuse(
    incoming: IncomingMessage,
    response: ServerResponse,
    dialect: DialectId,
    identity: RequestIdentity,
    error: GatewayError,
  ): void {
    if (response.headersSent || response.destroyed) return;
    const reply = errorReply(error, dialect, identity.requestId);
    this.edge.metrics.refused(dialect, reply.status);
    identity.call?.refused(error.code, reply.status);
    this.edge.traces?.refused(identity, incoming, { status: reply.status, code: error.code });
    const bytes = Buffer.from(JSON.stringify(reply.body));
    // Assigned: each spread of what is not always of one shape leaves 1.6 KB of hidden classes that only a major collection
    // takes, and at a thousand refusals a second one came every six seconds.
    const headers = Object.assign(this.jsonHeaders(dialect, identity, bytes), reply.headers);
    // A body still on its way is not worth a kept connection.
    if (!incoming.complete) response.setHeader('connection', 'close');
    else if (this.edge.drain.begun) response.shouldKeepAlive = false;
    response.writeHead(reply.status, headers);
    if (incoming.complete) {
      response.end(incoming.method === 'HEAD' ? undefined : bytes);
      return;
    }
    response.write(bytes);
    endAfterBody(incoming, response);
  }
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start));
}

/**
 * Codex tries a WebSocket first; 426 sends it to HTTP at once, where other statuses cost it seconds of retries. An offer of
 * h2c (Java's HTTP client makes one on every plain connection) is only an offer: the request is answered as it stands.
 */
function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined && headers.upgrade.toLowerCase() === 'websocket';
}

function routeNotFound(method: string, url: string, hint: string | undefined): GatewayError {
  const path = url.split('?')[0]?.slice(0, 200) ?? '/';
  const meant = hint === undefined ? '' : ` Did you mean ${hint}?`;
  return new GatewayError('route_not_found', `There is nothing at ${method} ${path}.${meant}`);
}

function notServedYet(url: string): GatewayError {
  const path = url.split('?')[0]?.slice(0, 200) ?? '/';
  return new GatewayError(
    'route_not_found',
    `${path} is not served by this version. Conversations are served at /v1/messages, /v1/chat/completions and /v1/responses.`,
  );
}

function preflight(response: ServerResponse, { origin }: RequestIdentity): void {
  response.writeHead(204, {
    'access-control-allow-origin': origin ?? '*',
    'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    'access-control-allow-headers': '*, authorization',
    'access-control-max-age': '600',
    vary: 'origin',
  });
  response.end();
}
