import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { GatewayError, type KeyRecord } from '@switchboard/contracts';
import { sniffRequest, type DialectId, type SniffedRequest } from '@switchboard/protocol';
import { countNatively, countsNatively } from './adapters/native-count';
import { readBody } from './adapters/request-body';
import { mayUse } from './core/access';
import { checkRequest } from './core/check-request';
import { isAuto, type Candidate } from './core/plan';
import type { RequestIdentity } from './core/reply-headers';
import type { EdgeContext } from './inference/edge-context';
import { faultError } from './inference/inference-request';

export interface TokenCount {
  tokens: number;
  source: 'native' | 'estimate';
}

interface Counted {
  headers: IncomingHttpHeaders;
  dialect: DialectId;
  body: Buffer;
}

/** `POST` of a request that is only counted: the upstream's own count where its provider counts, else BPE in the worker. */
export class CountTokensHandler {
  constructor(private readonly edge: EdgeContext) {}

  /** `dialect`: of the request. */
  handle(
    incoming: IncomingMessage,
    dialect: DialectId,
    key: KeyRecord,
    identity: RequestIdentity,
  ): Promise<TokenCount> {
    const denied = mayUse(key, 'llm');
    if (denied !== undefined) return Promise.reject(denied);
    return new Promise((resolve, reject) => {
      readBody(incoming, this.edge.settings.maxBodyBytes, (body) => {
        if (body instanceof GatewayError) return reject(body);
        identity.call?.received(body);
        this.count({ headers: incoming.headers, dialect, body }, key, identity).then(resolve, reject);
      });
    });
  }

  private async count(
    { headers, dialect, body: received }: Counted,
    key: KeyRecord,
    { requestId, call: logged }: RequestIdentity,
  ): Promise<TokenCount> {
    const body = dialect === 'openai-responses' ? await this.edge.responses.whole(received, key) : received;
    if (body instanceof GatewayError) throw body;
    const sniffed = sniffRequest(body);
    if (!sniffed.ok) throw faultError(sniffed.fault);
    logged?.asked(sniffed.model);
    const fault = checkRequest({ ...sniffed, maxTokens: 1 }, dialect);
    if (fault !== undefined) throw fault;
    const candidate = this.nativeCandidate(key, sniffed, dialect);
    const { model: modelSpan } = sniffed.spans;
    if (candidate !== undefined && modelSpan !== undefined) {
      try {
        const call = { body, modelSpan, headers, requestId };
        return { tokens: await countNatively(this.edge.pools, candidate, call), source: 'native' };
      } catch (error) {
        this.edge.log.warn({ err: error, requestId }, 'native token count failed; counting here');
      }
    }
    return { tokens: await this.edge.tokens.count(dialect, body), source: 'estimate' };
  }

  private nativeCandidate(key: KeyRecord, sniffed: SniffedRequest, dialect: DialectId): Candidate | undefined {
    const requested = sniffed.model ?? '';
    if (isAuto(requested)) return undefined;
    const candidates = this.edge.planner.pinned(this.edge.catalog.current(), key, requested, dialect);
    if (candidates instanceof GatewayError) throw candidates;
    return candidates.find((candidate) => candidate.dialect.id === dialect && countsNatively(candidate));
  }
}
