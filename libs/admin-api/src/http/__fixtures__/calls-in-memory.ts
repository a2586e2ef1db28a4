import type { CallFilter, CallLoggedV1, CallQueries } from '@switchboard/contracts';

/** The call log in memory, by the port's rules. */
export class CallsInMemory implements CallQueries {
  calls: CallLoggedV1[] = [];
  fault: Error | undefined;
  /** How often prompts were read. */
  promptsRead = 0;

  async list(filter: CallFilter, page: Parameters<CallQueries['list']>[1]): ReturnType<CallQueries['list']> {
    await this.asked(page.prompts);
    const from = page.cursor === undefined ? 0 : Number(page.cursor);
    const found = this.calls.filter((call) => matches(call, filter));
    const calls = found.slice(from, from + page.limit).map((call) => shown(call, page.prompts));
    const end = from + page.limit;
    return end < found.length ? { calls, nextCursor: String(end) } : { calls };
  }

  async get(requestId: string, options: { prompts?: boolean } = {}): ReturnType<CallQueries['get']> {
    await this.asked(options.prompts);
    const call = this.calls.find((one) => one.requestId === requestId);
    return call && shown(call, options.prompts);
  }

  private asked(prompts: boolean | undefined): Promise<void> {
    if (this.fault !== undefined) return Promise.reject(this.fault);
    if (prompts === true) this.promptsRead++;
    return Promise.resolve();
  }
}

export function loggedCall(changes: Partial<CallLoggedV1> = {}): CallLoggedV1 {
  return {
    ...{ requestId: 'req_1', atMs: Date.now(), tenantId: 'acme', keyId: 'key_1', endpoint: 'messages' },
    ...{ clientDialect: 'anthropic-messages', status: 403, outcome: 'ip_not_allowed', latencyMs: 3, attempts: 0 },
    ...{ ip: '203.0.113.7', ...changes },
  };
}

function matches(call: CallLoggedV1, { tenantId, keyId, model, status, outcome, fromMs, toMs }: CallFilter): boolean {
  return (
    (tenantId === undefined || call.tenantId === tenantId) &&
    (keyId === undefined || call.keyId === keyId) &&
    (model === undefined || call.model === model) &&
    (status === undefined || call.status === status) &&
    (outcome === undefined || call.outcome === outcome) &&
    (fromMs === undefined || call.atMs >= fromMs) &&
    (toMs === undefined || call.atMs < toMs)
  );
}

function shown(call: CallLoggedV1, prompts = false): CallLoggedV1 {
  if (prompts) return call;
  const { prompt: _, promptTruncated: __, ...rest } = call;
  return rest;
}
