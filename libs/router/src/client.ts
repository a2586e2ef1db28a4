import {
  type Bus,
  decodeJson,
  encodeJson,
  type ExplainRequestV1,
  type ExplanationV1,
  SUBJECTS,
  type UpstreamsV1,
} from '@switchboard/contracts';

/** What a process that hosts the router adds to its health checks. */
export const ROUTER_HEALTH = Symbol('ROUTER_HEALTH');

const EXPLAIN_TIMEOUT_MS = 2_000;
const UPSTREAMS_TIMEOUT_MS = 2_000;

export interface RouterClient {
  /** @throws BusUnavailableError when no router answers; RemoteError when it could not tell (no catalog yet). */
  explain(request: ExplainRequestV1): Promise<ExplanationV1>;
  /** @throws BusUnavailableError when no router leads. */
  upstreams(): Promise<UpstreamsV1>;
}

export function createRouterClient({ bus }: { bus: Bus }): RouterClient {
  return {
    explain: async (request) =>
      decodeJson<ExplanationV1>(
        await bus.request(SUBJECTS.explain, encodeJson(request), { timeoutMs: EXPLAIN_TIMEOUT_MS }),
      ),
    upstreams: async () =>
      decodeJson<UpstreamsV1>(
        await bus.request(SUBJECTS.upstreams, new Uint8Array(), { timeoutMs: UPSTREAMS_TIMEOUT_MS }),
      ),
  };
}
