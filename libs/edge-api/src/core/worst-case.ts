import {
  priceAt,
  type Amounts,
  type Model,
  type NanoUsd,
  type Prices,
  type ScopeBounds,
  type TokenPrices,
} from '@switchboard/contracts';
import { type AskedOutput, outputTokensAsked } from './asked-output';
import { mayHideNames, type NameMarks } from './image-weight';
import { estimateInput } from './input-estimate';
import type { Candidate } from './plan';

/** `auto` may choose among hundreds; what is set aside for a call is for the dearest of so many, and no other is tried. */
const MODELS_MAX = 3;

/**
 * How clients mark what a server is to keep, `cache_control` in Anthropic's words and `prompt_cache_breakpoint` in
 * OpenAI's, which are translated. A search that begins at an underscore stops forty times less often than one at a quote.
 */
const CACHE_MARKS = ['_control"', '_cache_breakpoint"'].map((mark) => Buffer.from(mark));
/** Its digit may be an escape. */
const ONE_HOUR = ['"1h"', '"\\u0031h"'].map((ttl) => Buffer.from(ttl));

/** What a request can come to, from its bytes and the models that may serve it. */
export interface WorstCase {
  amounts: Amounts;
  /** All replies together, if nothing limited them. */
  outputTokens: number;
  /** Input tokens that the money is set aside for. */
  inputTokensMost: number;
}

export interface Asked extends AskedOutput {
  body: Buffer;
  hasTools: boolean;
  marks: NameMarks;
  /** What it costs is what it cost then. */
  startedAtMs: number;
}

/** Those whose price the reservation covers. */
export function coveredBy(candidates: readonly Candidate[]): readonly Candidate[] {
  const models = new Set<Model>();
  return candidates.filter(({ model }) => models.has(model) || (models.size < MODELS_MAX && models.add(model)));
}

/** `candidates`: not empty. */
export function worstCase(asked: Asked, candidates: readonly Candidate[], scopes: readonly ScopeBounds[]): WorstCase {
  const { mayHoldImages, mayHideNames: mayHide } = asked.marks;
  const hidesNames = mayHide && mayHideNames(asked.body);
  const input = estimateInput(asked.body, asked.hasTools, { mayHoldImages, mayHideNames: hidesNames });
  let outputTokens = 0;
  for (const { model } of candidates) {
    outputTokens = Math.max(outputTokens, outputTokensAsked(asked, model));
  }
  const output = outputBounds(outputTokens, asked.replyCount, scopes);
  // Of keys without a budget too: it is what an orphan is charged, and the call costs what it costs whoever bounds it.
  const writes = askedCacheWrites(asked.body, hidesNames);
  const mostTokens = { input: input.tokensMost, output: output.most };
  const nanoUsd = wholeNumber(dearest(candidates, writes, mostTokens, asked.startedAtMs));
  return {
    amounts: { inputTokens: input.tokens, outputTokens: output, nanoUsd },
    outputTokens,
    inputTokensMost: input.tokensMost,
  };
}

/** A client may ask for any number of tokens; the limiter takes none that is not exact. More than this nobody pays for. */
function wholeNumber(amount: number): number {
  return Math.min(amount, Number.MAX_SAFE_INTEGER);
}

/**
 * All of it, where a full bucket holds all of it. A reply that could be longer than that gets what is there, but at least
 * half a bucket: clients ask for far more than they use, and whoever asks for too much must not be refused for ever. Each
 * reply has one token at least, since an upstream cannot be asked for less.
 */
function outputBounds(
  outputTokens: number,
  replyCount: number,
  scopes: readonly ScopeBounds[],
): Amounts['outputTokens'] {
  let capacity = Infinity;
  for (const { limits } of scopes) capacity = Math.min(capacity, limits.otpm ?? Infinity);
  if (outputTokens <= capacity) return { least: outputTokens, most: outputTokens };
  return { least: Math.max(replyCount, Math.ceil(capacity / 2)), most: Math.max(replyCount, capacity) };
}

function dearest(
  candidates: readonly Candidate[],
  asked: CacheWrites,
  tokens: { input: number; output: number },
  startedAtMs: number,
): NanoUsd {
  let most = 0;
  for (const { model, dialect } of candidates) {
    // Servers of OpenAI's dialects keep prompts unasked: OpenAI bills that since GPT-5.6.
    const writes = dialect.id === 'anthropic-messages' ? asked : { ...asked, fiveMinutes: true };
    most = Math.max(most, dearestOf(priceAt(model, startedAtMs).prices, writes, tokens.input, tokens.output));
  }
  return most;
}

/** Into which columns of the prices a prompt may be written. */
interface CacheWrites {
  fiveMinutes: boolean;
  oneHour: boolean;
}

/** Of a request that may hide them: all of them. */
function askedCacheWrites(body: Buffer, hidesNames: boolean): CacheWrites {
  if (hidesNames) return { fiveMinutes: true, oneHour: true };
  const fiveMinutes = CACHE_MARKS.some((mark) => body.includes(mark));
  return { fiveMinutes, oneHour: fiveMinutes && ONE_HOUR.some((ttl) => body.includes(ttl)) };
}

function dearestOf(
  prices: Prices,
  { fiveMinutes, oneHour }: CacheWrites,
  inputTokens: number,
  outputTokens: number,
): NanoUsd {
  const cost = ({ input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning = 0 }: TokenPrices): NanoUsd => {
    const inputPrice = Math.max(input, cacheRead, fiveMinutes ? cacheWrite5m : 0, oneHour ? cacheWrite1h : 0);
    return Math.ceil((inputTokens * inputPrice + outputTokens * Math.max(output, reasoning)) / 1000);
  };
  const { longPrompt } = prices;
  const mayBeLong = longPrompt !== undefined && inputTokens > longPrompt.aboveInputTokens;
  return mayBeLong ? Math.max(cost(prices), cost(longPrompt.prices)) : cost(prices);
}
