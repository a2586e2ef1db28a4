import type { IncomingHttpHeaders } from 'node:http';
import { refuse } from './api-failure';

/** How a stream or body is cut: HTTP ended properly, socket closed without the end of the body, or TCP reset. */
export type Cut = 'clean' | 'close' | 'reset';

/**
 * What the simulator was asked to do beside answering. Times in ms, sizes in bytes. Fault positions count content
 * chunks (delta events), from 1; 0 is right after the stream's opening events.
 */
export interface Scenario {
  /** Names the state of `failFirst`, so that parallel tests do not share it. */
  name: string;
  firstTokenMs: number;
  /** Up to so much is added to `firstTokenMs`, another part of it for each request. */
  firstTokenJitterMs: number;
  /** Undefined: all events in one turn of the event loop. 0: each event in its own turn. */
  chunkDelayMs?: number;
  chunks?: number;
  chunkBytes?: number;
  inputTokens?: number;
  outputTokens?: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  cacheWrite1hTokens: number;
  reasoningTokens?: number;
  status?: number;
  retryAfter?: string;
  errorType?: string;
  /** Faults strike only the first K requests of this model and scenario name; 0 is always. */
  failFirst: number;
  midStreamError?: number;
  truncate?: { after: number; how: Cut };
  malformed?: number;
  stall?: number;
  halfEvent?: number;
  hang: boolean;
  drop: boolean;
  stop?: string;
  stopSequence?: string;
  text?: string;
  noUsage: boolean;
  interleave: boolean;
  split?: number;
  coalesce: boolean;
  thinking: 'no' | 'yes' | 'redacted';
  parallelTools: number;
  gzip: boolean;
  earlyHeaders: boolean;
}

type Setter = (scenario: Scenario, value: string, name: string) => void;

const SETTINGS: Readonly<Record<string, Setter>> = {
  scenario: (scenario, value) => (scenario.name = value),
  first_token_ms: (scenario, value, name) => (scenario.firstTokenMs = count(value, name)),
  first_token_jitter_ms: (scenario, value, name) => (scenario.firstTokenJitterMs = count(value, name)),
  chunk_delay_ms: (scenario, value, name) => (scenario.chunkDelayMs = count(value, name)),
  chunks: (scenario, value, name) => (scenario.chunks = atLeastOne(value, name)),
  chunk_bytes: (scenario, value, name) => (scenario.chunkBytes = atLeastOne(value, name)),
  input_tokens: (scenario, value, name) => (scenario.inputTokens = count(value, name)),
  output_tokens: (scenario, value, name) => (scenario.outputTokens = count(value, name)),
  cache_read_tokens: (scenario, value, name) => (scenario.cacheReadTokens = count(value, name)),
  cache_write_tokens: (scenario, value, name) => (scenario.cacheWriteTokens = count(value, name)),
  cache_write_1h_tokens: (scenario, value, name) => (scenario.cacheWrite1hTokens = count(value, name)),
  reasoning_tokens: (scenario, value, name) => (scenario.reasoningTokens = count(value, name)),
  status: (scenario, value, name) => (scenario.status = errorStatus(value, name)),
  retry_after: (scenario, value) => (scenario.retryAfter = value),
  error_type: (scenario, value) => (scenario.errorType = value),
  fail_first: (scenario, value, name) => (scenario.failFirst = count(value, name)),
  mid_stream_error: (scenario, value, name) => (scenario.midStreamError = count(value, name)),
  truncate: (scenario, value, name) => (scenario.truncate = cut(value, name)),
  malformed: (scenario, value, name) => (scenario.malformed = count(value, name)),
  stall: (scenario, value, name) => (scenario.stall = count(value, name)),
  half_event: (scenario, value, name) => (scenario.halfEvent = count(value, name)),
  hang: (scenario, value, name) => (scenario.hang = flag(value, name)),
  drop: (scenario, value, name) => (scenario.drop = flag(value, name)),
  stop: (scenario, value) => (scenario.stop = value),
  stop_sequence: (scenario, value) => (scenario.stopSequence = value),
  text: (scenario, value) => (scenario.text = value),
  no_usage: (scenario, value, name) => (scenario.noUsage = flag(value, name)),
  interleave: (scenario, value, name) => (scenario.interleave = flag(value, name)),
  split: (scenario, value, name) => (scenario.split = atLeastOne(value, name)),
  coalesce: (scenario, value, name) => (scenario.coalesce = flag(value, name)),
  thinking: (scenario, value, name) =>
    (scenario.thinking = value === 'redacted' ? 'redacted' : flag(value, name) ? 'yes' : 'no'),
  parallel_tools: (scenario, value, name) => (scenario.parallelTools = atLeastOne(value, name)),
  gzip: (scenario, value, name) => (scenario.gzip = flag(value, name)),
  early_headers: (scenario, value, name) => (scenario.earlyHeaders = flag(value, name)),
};

const HEADER_PREFIX = 'x-sim-';
const REQUEST_ID_HEADER = 'x-sim-request-id';

/** `[setting_name, value]`, values percent-encoded; of one name the last counts. */
export type Settings = readonly (readonly [string, string])[];

/**
 * Reads settings from the model name (`sim-any;chunks=100;text=a%3Bb`, values percent-encoded), from `x-sim-…` headers,
 * which win, and from the `behaviour` of the whole process, which wins over both. A setting without a value means 1. Throws
 * a 400 on an unknown name: a typo must not pass as a healthy answer.
 */
export function readScenario(model: string, headers: IncomingHttpHeaders, behaviour: Settings = []): Scenario {
  const scenario = plainScenario();
  for (const pair of model.split(';').slice(1)) {
    const [name = '', ...rest] = pair.split('=');
    if (name !== '') apply(scenario, name, rest.length === 0 ? '1' : rest.join('='));
  }
  for (const [name, value] of simHeaders(headers)) apply(scenario, name, value);
  for (const [name, value] of behaviour) apply(scenario, name, value);
  return scenario;
}

/** The `x-sim-…` settings of a request as `[setting_name, value]`, in the order they arrived. */
export function simHeaders(headers: IncomingHttpHeaders): [string, string][] {
  const found: [string, string][] = [];
  for (const header in headers) {
    const value = headers[header];
    if (!header.startsWith(HEADER_PREFIX) || header === REQUEST_ID_HEADER || typeof value !== 'string') continue;
    found.push([header.slice(HEADER_PREFIX.length).replaceAll('-', '_'), value]);
  }
  return found;
}

/** Whether anything is to go wrong: only then does `failFirst` count. */
export function hasFault(scenario: Scenario): boolean {
  return (
    scenario.status !== undefined ||
    scenario.midStreamError !== undefined ||
    scenario.truncate !== undefined ||
    scenario.malformed !== undefined ||
    scenario.stall !== undefined ||
    scenario.halfEvent !== undefined ||
    scenario.hang ||
    scenario.drop
  );
}

function plainScenario(): Scenario {
  return {
    name: '',
    firstTokenMs: 0,
    firstTokenJitterMs: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    failFirst: 0,
    hang: false,
    drop: false,
    noUsage: false,
    interleave: false,
    coalesce: false,
    thinking: 'no',
    parallelTools: 1,
    gzip: false,
    earlyHeaders: false,
  };
}

function apply(scenario: Scenario, name: string, value: string): void {
  const set = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
  if (!set)
    refuse(`Unknown simulator setting '${name}'. Known settings: ${Object.keys(SETTINGS).join(', ')}.`, 'model');
  set(scenario, decode(value, name), name);
}

function decode(value: string, name: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return refuse(`Simulator setting '${name}' is not valid percent-encoding.`, 'model');
  }
}

function count(value: string, name: string): number {
  if (!/^\d{1,9}$/.test(value)) refuse(`Simulator setting '${name}' must be a whole number, not '${value}'.`, 'model');
  return Number(value);
}

function atLeastOne(value: string, name: string): number {
  return Math.max(1, count(value, name));
}

function errorStatus(value: string, name: string): number {
  const status = count(value, name);
  if (status < 300 || status > 599) refuse(`Simulator setting '${name}' must be between 300 and 599.`, 'model');
  return status;
}

function flag(value: string, name: string): boolean {
  return count(value, name) > 0;
}

/** `K`, `clean|close|reset`, or `K,clean|close|reset`. */
function cut(value: string, name: string): { after: number; how: Cut } {
  const found = /^(?:(\d{1,9}),?)?(clean|close|reset)?$/.exec(value);
  if (!found) refuse(`Simulator setting '${name}' must be K, clean, close, reset or K,how.`, 'model');
  return { after: Number(found[1] ?? 1), how: (found[2] as Cut | undefined) ?? 'clean' };
}
