import type { Conversation, DocumentPart, Message, Part, Tool } from '../conversation';
import type { JsonValue } from '../json';
import type { Loss } from '../loss';
import { spelled } from './translate';

/** One thing that a conversation says, in a form that does not depend on how it is said. */
interface Fact {
  is: string;
  /** Features of which a reported loss accounts for it; none: it must arrive. */
  lost: readonly string[];
}

/** What a conversation says: its facts, and its texts in order, which may arrive inside longer ones. */
interface Said {
  facts: Fact[];
  texts: string[];
}

/**
 * What was asked and neither arrived nor was reported as lost. Whatever a dialect does to a conversation, this is empty.
 *
 * @param losses that translation reported on the way
 */
export function unreported(asked: Conversation, got: Conversation, losses: readonly Loss[]): string[] {
  const lost = new Set(losses.map(({ feature }) => feature));
  const was = saidIn(asked, lost);
  const is = saidIn(got, lost);
  const arrived = new Map<string, number>();
  for (const fact of is.facts) arrived.set(fact.is, (arrived.get(fact.is) ?? 0) + 1);
  const missing: string[] = [];
  for (const fact of was.facts) {
    const left = arrived.get(fact.is) ?? 0;
    if (left > 0) arrived.set(fact.is, left - 1);
    else if (!fact.lost.some((feature) => lost.has(feature))) missing.push(fact.is);
  }
  return [...missing, ...missingTexts(was.texts, is.texts.join('\n'), lost.has('content_order'))];
}

function missingTexts(texts: readonly string[], heard: string, anyOrder: boolean): string[] {
  let from = 0;
  return texts.filter((text) => {
    const at = heard.indexOf(text, anyOrder ? 0 : from);
    if (at !== -1) from = at + text.length;
    return at === -1;
  });
}

class Ledger implements Said {
  readonly facts: Fact[] = [];
  readonly texts: string[] = [];

  constructor(readonly lost: ReadonlySet<string>) {}

  note(kind: string, value: JsonValue | undefined, ...lost: string[]): void {
    if (value !== undefined) this.facts.push({ is: `${kind} ${sorted(value)}`, lost });
  }
}

function saidIn(conversation: Conversation, lost: ReadonlySet<string>): Said {
  const ledger = new Ledger(lost);
  for (const message of conversation.messages) noteMessage(message, ledger);
  for (const tool of conversation.tools) noteTool(tool, ledger);
  noteParams(conversation, ledger);
  return ledger;
}

function noteMessage(message: Message, ledger: Ledger): void {
  if (message.role !== 'system') ledger.note('name', message.name, 'message.name');
  for (const part of message.parts) notePart(part, ledger);
}

function notePart(part: Part, ledger: Ledger): void {
  if (part.cache !== undefined) ledger.note('cache hint', true, 'cache_control');
  switch (part.type) {
    case 'text':
    case 'refusal':
      ledger.texts.push(part.text);
      return;
    case 'image':
      ledger.note('image', { ...part.source }, 'image');
      if (part.detail !== 'auto') ledger.note('detail', part.detail, 'image.detail');
      return;
    case 'document':
      noteDocument(part, ledger);
      return;
    case 'thinking':
      // Without its signature it is nothing to the provider that signed it.
      ledger.note('thinking', part.text, 'thinking', 'thinking.signature');
      ledger.note('signature', part.signature, 'thinking.signature');
      return;
    case 'redacted-thinking':
      ledger.note('redacted thinking', part.data, 'redacted_thinking', 'thinking.signature');
      return;
    case 'tool-call':
      ledger.note('call', [part.id, part.name, spelled(part.arguments, ledger.lost) as JsonValue]);
      return;
    case 'tool-result':
      ledger.note('result', [part.callId, part.isError ?? false]);
      for (const inner of part.parts) notePart(inner, ledger);
      return;
    case 'tool-reference':
      ledger.note('tool reference', part.toolName);
      return;
    case 'audio':
    case 'opaque':
      ledger.note(part.type, true, `block.${part.type}`);
  }
}

function noteDocument({ source, title, context, citations }: DocumentPart, ledger: Ledger): void {
  if (citations === true) ledger.note('citations', true, 'citations');
  if (source.type === 'text' || source.type === 'parts') {
    if (title !== undefined) ledger.texts.push(title);
    if (context !== undefined) ledger.texts.push(context);
    if (source.type === 'text') ledger.texts.push(source.text);
    else for (const part of source.parts) notePart(part, ledger);
    return;
  }
  ledger.note('document', { ...source });
  ledger.note('title', title);
  ledger.note('context', context, 'document.context');
}

function noteTool(tool: Tool, ledger: Ledger): void {
  if (tool.type !== 'function') {
    ledger.note('tool', tool.name);
    return;
  }
  ledger.note('tool', [tool.name, tool.description ?? null, tool.inputSchema]);
  // Not strict is what every dialect takes where nothing is said; Responses must say it.
  if (tool.strict === true) ledger.note('strict', tool.name, 'tool.strict');
  if (tool.deferLoading === true) ledger.note('deferred', tool.name, 'defer_loading');
  if (tool.cache !== undefined) ledger.note('cache hint', true, 'cache_control');
}

function noteParams(conversation: Conversation, ledger: Ledger): void {
  const { sampling, reasoning, outputFormat, toolChoice } = conversation;
  ledger.note('stream', conversation.stream);
  ledger.note('most tokens', conversation.maxOutputTokens);
  if (toolChoice !== undefined && toolChoice.type !== 'auto') ledger.note('tool choice', { ...toolChoice });
  // Nothing is called, so nothing is called in parallel.
  if (conversation.parallelToolCalls === false && toolChoice?.type !== 'none') ledger.note('one call at a time', true);
  for (const stop of conversation.stopSequences ?? []) ledger.note('stop', stop, 'stop_sequences');
  // 1 is what every model does where nothing is said.
  if (sampling.temperature !== 1) ledger.note('temperature', sampling.temperature, 'temperature');
  if (sampling.topP !== 1) ledger.note('top_p', sampling.topP, 'top_p');
  ledger.note('top_k', sampling.topK, 'top_k');
  ledger.note('presence penalty', sampling.presencePenalty, 'presence_penalty');
  ledger.note('frequency penalty', sampling.frequencyPenalty, 'frequency_penalty');
  ledger.note('seed', sampling.seed, 'seed');
  if (sampling.logitBias !== undefined) ledger.note('logit bias', sampling.logitBias, 'logit_bias');
  if (sampling.logprobs === true) ledger.note('logprobs', true, 'logprobs');
  ledger.note('top logprobs', sampling.topLogprobs, 'top_logprobs');
  if (reasoning?.mode === 'disabled') ledger.note('no thinking', true);
  ledger.note('effort', reasoning?.effort, 'reasoning_effort');
  ledger.note('budget', reasoning?.budgetTokens, 'thinking.budget_tokens', 'thinking');
  // Responses shows none where none is asked for, and has words for how much.
  if (reasoning?.display !== undefined && reasoning.display !== 'omitted')
    ledger.note('thinking shown', true, 'thinking.display');
  if (outputFormat?.type === 'json-schema') {
    ledger.note('schema', outputFormat.schema);
    if (outputFormat.name !== 'response') ledger.note('schema name', outputFormat.name, 'response_format.name');
    // A dialect that is always strict says nothing of it.
    if (outputFormat.strict === false) ledger.note('not strict', true, 'response_format.strict');
  } else if (outputFormat !== undefined) ledger.note('any JSON', true, 'response_format.json_object');
  ledger.note('end user', conversation.endUser, 'user');
  ledger.note('metadata', conversation.metadata, 'metadata');
  const { serviceTier } = conversation;
  ledger.note('tier', serviceTier === 'standard_only' ? 'default' : serviceTier, 'service_tier');
  ledger.note('verbosity', conversation.verbosity, 'verbosity');
  ledger.note('cache key', conversation.promptCacheKey, 'prompt_cache_key');
}

/** One text for all orders of the members. */
function sorted(value: JsonValue): string {
  return JSON.stringify(value, (_, member: JsonValue) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([left], [right]) => (left < right ? -1 : 1)))
      : member,
  );
}
