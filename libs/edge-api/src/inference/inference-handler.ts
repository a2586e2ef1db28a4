import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError, type KeyRecord } from '@switchboard/contracts';
import { DIALECTS, OPERATIONS, sniffRequest, type DialectId, type OperationId } from '@switchboard/protocol';
import { boundBy, mayUse } from '../core/access';
import { checkCapabilities, contextExceeded, needsOf, servesAnything } from '../core/capability-gate';
import { checkModel, checkRequest } from '../core/check-request';
import { fallbackNames } from '../core/fallback-names';
import { likelyInputTokens } from '../core/input-estimate';
import { isAuto, type Candidate } from '../core/plan';
import type { Route } from '../core/routes';
import { gatewayFault } from '../core/upstream-failure';
import { coveredBy } from '../core/worst-case';
import type { RequestIdentity } from '../core/reply-headers';
import { readBody } from '../adapters/request-body';
import type { EdgeContext } from './edge-context';
import { Exchange } from './exchange';
import { faultError, InferenceRequest } from './inference-request';
import { permissionFor, planOperation } from './plan-operation';
import type { StoredCall } from './stored-call';

/**
 * A prompt of fewer bytes than this per token of the window is not counted: real text has about four bytes to a token, so
 * only what is clearly large is worth the counter's time.
 */
const BYTES_PER_TOKEN_SURELY_FITTING = 3;

export type Refuse = (error: GatewayError) => void;

/** A request whose head is in. */
interface Received {
  incoming: IncomingMessage;
  response: ServerResponse;
  route: Route;
  operation: OperationId | undefined;
  key: KeyRecord;
  identity: RequestIdentity;
  refuse: Refuse;
}

/** What a request is, beside its body. */
interface Asked {
  dialect: DialectId;
  operation: OperationId | undefined;
  stored: StoredCall | undefined;
}

interface Beginning {
  begin: (stored: StoredCall | undefined) => void;
  refuse: Refuse;
  fail: (error: unknown) => void;
}

/** `POST` of what a model is to answer: from an authenticated key to an exchange, or to the reason why not. */
export class InferenceHandler {
  constructor(private readonly edge: EdgeContext) {}

  handle(
    incoming: IncomingMessage,
    response: ServerResponse,
    route: Route,
    key: KeyRecord,
    identity: RequestIdentity,
    refuse: Refuse,
  ): void {
    const operation = operationOf(route);
    const denied = mayUse(key, permissionFor(operation));
    if (denied !== undefined) return refuse(denied);
    this.edge.traces?.begin(identity, incoming.headers);
    const asked: Received = { incoming, response, route, operation, key, identity, refuse };
    readBody(incoming, this.edge.settings.maxBodyBytes, (body) => {
      // The client may have left while its body was decompressed.
      if (response.destroyed) return;
      if (body instanceof GatewayError) return refuse(body);
      identity.call?.received(body);
      this.edge.stages.add('begin', () => this.begin(asked, body));
    });
  }

  private begin({ incoming, response, route, operation, key, identity, refuse }: Received, body: Buffer): void {
    if (response.destroyed) return;
    const dialect = DIALECTS[route.dialect];
    const begin = (stored?: StoredCall): void => {
      const request = this.read(incoming, { dialect: route.dialect, operation, stored }, body, identity);
      if (request instanceof GatewayError) return refuse(request);
      const exchange = new Exchange(this.edge, request, key, identity, incoming, response);
      identity.call?.entrust();
      this.serve(exchange, refuse);
    };
    try {
      const known = this.edge.admissions.refusedAlready(key, dialect);
      if (known !== undefined) return refuse(known);
      if (dialect.id !== 'openai-responses') return begin();
      this.beginWhole(body, key, response, { begin, refuse, fail: (error) => this.fail(error, identity, refuse) });
    } catch (error) {
      // Outside the handler's own call by now: unhandled, one odd request would end the process.
      this.fail(error, identity, refuse);
    }
  }

  /** With what the request refers to: at once, unless the store has to be asked for it. */
  private beginWhole(body: Buffer, key: KeyRecord, response: ServerResponse, on: Beginning): void {
    const stored = this.edge.responses.read(body, key);
    if (stored instanceof GatewayError) return on.refuse(stored);
    if (!(stored instanceof Promise)) return on.begin(stored);
    stored
      .then((read) => {
        if (response.destroyed) return;
        if (read instanceof GatewayError) on.refuse(read);
        else on.begin(read);
      })
      .catch(on.fail);
  }

  private serve(exchange: Exchange, refuse: Refuse): void {
    const { request } = exchange;
    const candidates = this.plan(exchange);
    if (candidates instanceof GatewayError) return refuse(candidates);
    // Of what is no conversation, each text of many has a window of its own.
    if (request.operation !== undefined) return this.start(exchange, candidates, refuse);
    const smallest = Math.min(...candidates.map(({ model }) => model.contextWindow));
    if (request.body.length <= smallest * BYTES_PER_TOKEN_SURELY_FITTING)
      return this.start(exchange, candidates, refuse);
    this.startWhereItFits(exchange, candidates, refuse);
  }

  /** Admits the call before it spends; a key without bounds waits for nobody. */
  private start(exchange: Exchange, candidates: readonly Candidate[], refuse: Refuse): void {
    const { request, key, identity } = exchange;
    if (!this.edge.admissions.concern(key)) return exchange.start(candidates);
    const covered = boundBy(key) === 'budget' ? coveredBy(candidates) : candidates;
    const { requestId, trace } = identity;
    if (this.edge.traces !== undefined) identity.admissionMs = performance.now();
    this.edge.admissions
      .admit({ requestId, key, request, candidates: covered, startedAtMs: exchange.startedAtMs, trace })
      .then((admission) => {
        if (admission instanceof GatewayError) return refuse(admission);
        try {
          exchange.start(covered, admission);
        } catch (error) {
          admission?.settle();
          throw error;
        }
      })
      .catch((error: unknown) => this.fail(error, identity, refuse));
  }

  private fail(error: unknown, { requestId }: RequestIdentity, refuse: Refuse): void {
    this.edge.log.error({ err: error, requestId }, 'a request failed inside the gateway');
    refuse(gatewayFault(error));
  }

  private read(
    incoming: IncomingMessage,
    { dialect, operation, stored }: Asked,
    received: Buffer,
    { call }: RequestIdentity,
  ): InferenceRequest | GatewayError {
    const body = stored?.body ?? received;
    const sniffed = sniffRequest(body);
    if (!sniffed.ok) return faultError(sniffed.fault);
    call?.asked(sniffed.model, sniffed.stream);
    const fault = operation === undefined ? checkRequest(sniffed, dialect) : checkModel(sniffed, dialect);
    if (fault !== undefined) return fault;
    const read = operation && OPERATIONS[operation](body);
    if (read?.ok === false) return faultError(read.fault);
    const url = incoming.url ?? '';
    const queryStart = url.indexOf('?');
    return new InferenceRequest(
      DIALECTS[dialect],
      body,
      sniffed,
      incoming.headers,
      queryStart === -1 ? '' : url.slice(queryStart),
      incoming.headers[this.edge.names.translation] === 'strict',
      { operation: read?.value, stored },
    );
  }

  private plan(exchange: Exchange): readonly Candidate[] | GatewayError {
    const { request, key } = exchange;
    if (request.operation !== undefined) return planOperation(this.edge, exchange, request.operation);
    const candidates = this.planWithoutFallbacks(exchange);
    if (candidates instanceof GatewayError) return candidates;
    const asked = fallbackNames(request.headers[this.edge.names.fallbacks], request.sniffed, request.body);
    if (asked instanceof GatewayError) return asked;
    const catalog = this.edge.catalog.current();
    if (asked.length === 0 && catalog.routing.fallbacks.length === 0) return candidates;
    return this.edge.planner.withFallbacks(catalog, key, candidates, {
      ...{ asked, client: request.dialect.id },
      able: (model) => {
        if (servesAnything(model)) return true;
        const decoded = request.conversation();
        return decoded.ok && checkCapabilities(model, needsOf(decoded.value), request.dialect.id) === undefined;
      },
    });
  }

  /** Candidates that can serve the request, the best first if all are healthy. */
  private planWithoutFallbacks({ request, key, startedAtMs }: Exchange): readonly Candidate[] | GatewayError {
    const { planner } = this.edge;
    const catalog = this.edge.catalog.current();
    if (isAuto(request.model)) {
      const decoded = request.conversation();
      if (!decoded.ok) return faultError(decoded.fault);
      const size = () => ({ inputTokens: likelyInputTokens(request.body), outputTokensMost: request.maxTokens });
      return planner.auto(catalog, key, request.model, {
        ...{ client: request.dialect.id, needs: needsOf(decoded.value), size, startedAtMs },
      });
    }
    const candidates = planner.pinned(catalog, key, request.model, request.dialect.id);
    if (candidates instanceof GatewayError) return candidates;
    const model = candidates[0]?.model;
    if (model === undefined || servesAnything(model)) return candidates;
    const decoded = request.conversation();
    if (!decoded.ok) return faultError(decoded.fault);
    return checkCapabilities(model, needsOf(decoded.value), request.dialect.id) ?? candidates;
  }

  /** Counts first, and leaves out what is too small: an upstream's own refusal of a long prompt would be final. */
  private startWhereItFits(exchange: Exchange, candidates: readonly Candidate[], refuse: Refuse): void {
    const { request, identity } = exchange;
    this.edge.tokens
      .count(request.dialect.id, request.body)
      .catch((error: unknown) => {
        // What cannot be counted is not refused for its length: the upstream knows its own window.
        const { requestId } = identity;
        this.edge.log.warn({ err: error, requestId }, 'the token counter failed; the request goes on uncounted');
        return 0;
      })
      .then((tokens) => {
        const fitting = candidates.filter(({ model }) => tokens <= model.contextWindow);
        if (fitting.length === 0) refuse(contextExceeded(tokens, largestWindow(candidates), request.dialect.id));
        else this.start(exchange, fitting, refuse);
      })
      .catch((error: unknown) => this.fail(error, identity, refuse));
  }
}

function operationOf({ name }: Route): OperationId | undefined {
  return name === 'embeddings' || name === 'completions' ? name : undefined;
}

/** `candidates` is never empty. */
function largestWindow(candidates: readonly Candidate[]): number {
  return Math.max(...candidates.map(({ model }) => model.contextWindow));
}
