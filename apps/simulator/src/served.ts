import { NO_USAGE, type TokenUsage } from './tokens';

/**
 * What became of one request. `broken`: the scenario cut it off. `aborted`: the client left first. `refused`: an error
 * status. Tokens are what usage reported when `completed` (also when the report was withheld by `no_usage`); else input
 * as it would have been billed once the reply began, and the output tokens that had been sent.
 */
export interface ServedRequest {
  request_id: string;
  path: string;
  model: string;
  stream: boolean;
  status: number;
  outcome: 'active' | 'completed' | 'refused' | 'broken' | 'aborted';
  /** Excludes cache reads and writes, in both dialects. */
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  /** Includes reasoning. */
  output_tokens: number;
  reasoning_tokens: number;
}

export interface ServedTotals {
  requests: number;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
}

export interface Served {
  /** Newest last; the oldest go when there are too many. */
  requests: ServedRequest[];
  /** Over everything since the start or the last reset, forgotten requests too. */
  totals: ServedTotals;
}

const KEPT_MAX = 10_000;

export class ServedLog {
  private requests: ServedRequest[] = [];
  private forgotten: ServedRequest = blank('', '');

  private forgottenCount = 0;

  begin(requestId: string, path: string): ServedRequest {
    const record = blank(requestId, path);
    this.requests.push(record);
    // Half at a time: shifting ten thousand entries for every request would show in a benchmark.
    if (this.requests.length >= 2 * KEPT_MAX) {
      for (const old of this.requests.splice(0, KEPT_MAX)) addTokens(this.forgotten, old);
      this.forgottenCount += KEPT_MAX;
    }
    return record;
  }

  report(requestId?: string): Served {
    const sum = { ...this.forgotten };
    for (const request of this.requests) addTokens(sum, request);
    const kept = this.requests.slice(-KEPT_MAX);
    return {
      requests: (requestId === undefined ? kept : kept.filter((one) => one.request_id === requestId)).map((one) => ({
        ...one,
      })),
      totals: {
        requests: this.forgottenCount + this.requests.length,
        input_tokens: sum.input_tokens,
        cache_read_tokens: sum.cache_read_tokens,
        cache_write_tokens: sum.cache_write_tokens,
        output_tokens: sum.output_tokens,
        reasoning_tokens: sum.reasoning_tokens,
      },
    };
  }

  reset(): void {
    this.requests = [];
    this.forgotten = blank('', '');
    this.forgottenCount = 0;
  }
}

export function recordUsage(record: ServedRequest, usage: TokenUsage): void {
  record.input_tokens = usage.input;
  record.cache_read_tokens = usage.cacheRead;
  record.cache_write_tokens = usage.cacheWrite5m + usage.cacheWrite1h;
  record.output_tokens = usage.output;
  record.reasoning_tokens = usage.reasoning;
}

function blank(requestId: string, path: string): ServedRequest {
  const record: ServedRequest = {
    request_id: requestId,
    path,
    model: '',
    stream: false,
    status: 0,
    outcome: 'active',
    input_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
  };
  recordUsage(record, NO_USAGE);
  return record;
}

function addTokens(sum: ServedRequest, one: ServedRequest): void {
  sum.input_tokens += one.input_tokens;
  sum.cache_read_tokens += one.cache_read_tokens;
  sum.cache_write_tokens += one.cache_write_tokens;
  sum.output_tokens += one.output_tokens;
  sum.reasoning_tokens += one.reasoning_tokens;
}
