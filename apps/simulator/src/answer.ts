import { createHash } from 'node:crypto';
import { markedArguments, markedTool } from './marked-call';
import { authoredText, pendingMarkers } from './markers';
import { emptyTurn, type Attachment, type Prompt, type Tool, type Turn } from './prompt';
import type { Scenario } from './scenario';
import { schemaInstance } from './schema-instance';
import { bytesOfTokens, cutToBytes, tokensOfBytes, type TokenUsage } from './tokens';

export type Part =
  | { kind: 'thinking'; text: string; redacted: boolean }
  | { kind: 'text'; text: string }
  | { kind: 'call'; id: string; name: string; arguments: string; freeForm: boolean; tool: Tool };

export interface Answer {
  parts: Part[];
  stop: 'end' | 'calls' | 'max-tokens' | 'stop-sequence';
  stopSequence?: string;
  usage: TokenUsage;
}

/** With more tools than this the client is an agent, and gets text unless it asks for a call: its `say hi` ends at once. */
const AGENT_TOOLS = 8;
const QUOTE_BYTES_MAX = 200;
/** Where only a token count was asked for: enough to stream, while a bill of a million tokens stays cheap to make. */
const FILL_BYTES_MAX = 1 << 18;
const SIZED_BYTES_MAX = 1 << 24;
const FILLER = 'The quick brown fox jumps over the lazy dog. ';

/** The whole reply: a pure function of the prompt, the scenario and `seed` (any text; makes the ids). */
export function compose(prompt: Prompt, scenario: Scenario, seed: string): Answer {
  const calls = callParts(prompt, scenario, seed);
  const text = scenario.text ?? (calls.length > 0 ? '' : replyText(prompt));
  const parts: Part[] = [];
  if (prompt.thinking || scenario.thinking !== 'no') parts.push(thinkingPart(prompt, scenario));
  const filled = scenario.text === undefined && calls.length === 0 && !prompt.format ? fill(text, scenario) : text;
  const stopped = stopAt(filled, prompt.stopSequences);
  if (stopped.text !== '') parts.push({ kind: 'text', text: stopped.text });
  if (stopped.sequence !== undefined) {
    return finish(parts, { stop: 'stop-sequence', stopSequence: stopped.sequence }, prompt, scenario);
  }
  return finish([...parts, ...calls], { stop: calls.length > 0 ? 'calls' : 'end' }, prompt, scenario);
}

/** UTF-8 bytes the model generated for a part. */
export function partBytes(part: Part): number {
  return part.kind === 'call' ? Buffer.byteLength(part.name + part.arguments) : Buffer.byteLength(part.text);
}

/** An id's random-looking tail: the same request gets the same one, so that replies can be compared byte for byte. */
export function idTail(seed: string, salt: string | number): string {
  return createHash('sha256').update(`${seed}/${salt}`).digest('hex').slice(0, 24);
}

function callParts(prompt: Prompt, scenario: Scenario, seed: string): Part[] {
  const wanted = prompt.toolChoice.type === 'none' ? [] : wantedCalls(prompt, scenario);
  return wanted.map(({ tool, json }, at) => ({
    kind: 'call',
    id: idTail(seed, at),
    name: tool.name,
    arguments: json,
    freeForm: tool.freeForm,
    tool,
  }));
}

function wantedCalls(prompt: Prompt, scenario: Scenario): { tool: Tool; json: string }[] {
  const markers = pendingMarkers(prompt.turns).flatMap((marker) => {
    const tool = markedTool(prompt.tools, marker);
    return tool ? [{ tool, json: markedArguments(tool, marker) }] : [];
  });
  if (markers.length > 0) return prompt.parallelCalls ? markers : markers.slice(0, 1);
  if (lastUserTurn(prompt.turns).results.length > 0 || pendingMarkers(prompt.turns).length > 0) return [];
  const count = prompt.parallelCalls ? scenario.parallelTools : 1;
  return chosenTools(prompt, count).map((tool) => ({ tool, json: plausibleArguments(tool) }));
}

function chosenTools(prompt: Prompt, count: number): Tool[] {
  const { toolChoice, tools } = prompt;
  if (tools.length === 0 || (toolChoice.type === 'auto' && tools.length > AGENT_TOOLS)) return [];
  const offered = toolChoice.type === 'tool' ? tools.filter((tool) => tool.name === toolChoice.name) : tools;
  return Array.from({ length: count }, (_, at) => offered[at % offered.length]).filter((tool) => tool !== undefined);
}

function plausibleArguments(tool: Tool): string {
  if (tool.freeForm) return `input for ${tool.name}`;
  return JSON.stringify(schemaInstance(tool.schema ?? { type: 'object' }));
}

function replyText(prompt: Prompt): string {
  const turn = lastUserTurn(prompt.turns);
  if (prompt.format)
    return JSON.stringify(schemaInstance(prompt.format.schema ?? { type: 'object', required: ['answer'] }));
  const missing = pendingMarkers(prompt.turns)[0];
  if (turn.results.length === 0 && missing) return `No tool named ${missing.name} is offered.`;
  const seen = seenText(turn.attachments);
  if (turn.results.length > 0) {
    const said = turn.results.map(
      (result) => `Tool ${result.failed ? 'failed' : 'said'}: ${quote(result.text) || '(no text)'}`,
    );
    return [...said, ...seen].join('\n');
  }
  const written = authoredText(turn);
  const heard = written === '' ? [] : [`You wrote: ${quote(written)}`];
  return ['Hi from the Switchboard simulator.', ...seen, ...heard].join(' ');
}

/** `I see 2 images (image/png, 68 bytes; https://example.com/a.png).`, one sentence for each kind. */
function seenText(attachments: Attachment[]): string[] {
  const nouns = [...new Set(attachments.map((attachment) => attachment.noun))];
  return nouns.map((noun) => {
    const ones = attachments.filter((attachment) => attachment.noun === noun);
    const list = ones.map((attachment) => attachment.description).join('; ');
    return `I see ${ones.length} ${noun}${ones.length === 1 ? '' : 's'} (${list}).`;
  });
}

function quote(text: string): string {
  return Buffer.byteLength(text) > QUOTE_BYTES_MAX ? `${cutToBytes(text, QUOTE_BYTES_MAX)}…` : text;
}

/** Everything the user's side said since the model last spoke. */
function lastUserTurn(turns: Turn[]): Turn {
  const last = turns.at(-1);
  return last?.role === 'user' ? last : emptyTurn('user');
}

function thinkingPart(prompt: Prompt, scenario: Scenario): Part {
  const turns = prompt.turns.length;
  const text = `I have read ${turns} turn${turns === 1 ? '' : 's'} and ${prompt.tools.length} tools. Now I answer.`;
  return { kind: 'thinking', text, redacted: scenario.thinking === 'redacted' };
}

/** Brings the default text to the size that was asked for; a text the scenario gives is never touched. */
function fill(text: string, scenario: Scenario): string {
  const { chunks, chunkBytes, outputTokens } = scenario;
  if (chunks !== undefined && chunkBytes !== undefined) {
    const bytes = Math.min(chunks * chunkBytes, SIZED_BYTES_MAX);
    return cutToBytes(padded(text, bytes), bytes);
  }
  return padded(text, Math.min(Math.max(bytesOfTokens(outputTokens ?? 0), chunks ?? 0), FILL_BYTES_MAX));
}

function padded(text: string, bytes: number): string {
  const wanted = bytes - Buffer.byteLength(text);
  return wanted > 0 ? text + FILLER.repeat(Math.ceil(wanted / FILLER.length)).slice(0, wanted) : text;
}

function stopAt(text: string, sequences: string[]): { text: string; sequence?: string } {
  const hits = sequences.filter((sequence) => sequence !== '' && text.includes(sequence));
  const first = hits.sort((a, b) => text.indexOf(a) - text.indexOf(b))[0];
  return first === undefined ? { text } : { text: text.slice(0, text.indexOf(first)), sequence: first };
}

type Ending = Pick<Answer, 'stop' | 'stopSequence'>;

/** Counts, and cuts at `maxTokens` as a model would: nothing after the limit is said, called or billed. */
function finish(parts: Part[], ending: Ending, prompt: Prompt, scenario: Scenario): Answer {
  const thoughtBytes = parts.filter((part) => part.kind === 'thinking').reduce((sum, part) => sum + partBytes(part), 0);
  const reasoning = scenario.reasoningTokens ?? tokensOfBytes(thoughtBytes);
  const visible = tokensOfBytes(parts.reduce((sum, part) => sum + partBytes(part), 0) - thoughtBytes);
  const wanted = scenario.outputTokens ?? Math.max(1, reasoning + visible);
  const maxTokens = prompt.maxTokens ?? Number.MAX_SAFE_INTEGER;
  const usage: TokenUsage = {
    input: scenario.inputTokens ?? prompt.inputTokens,
    cacheRead: scenario.cacheReadTokens,
    cacheWrite5m: scenario.cacheWriteTokens,
    cacheWrite1h: scenario.cacheWrite1hTokens,
    output: Math.min(wanted, maxTokens),
    reasoning: Math.min(reasoning, wanted, maxTokens),
  };
  if (wanted <= maxTokens) return { parts, ...ending, usage };
  return { parts: cutParts(parts, bytesOfTokens(maxTokens)), stop: 'max-tokens', usage };
}

function cutParts(parts: Part[], bytesMax: number): Part[] {
  let left = bytesMax;
  const kept: Part[] = [];
  for (const part of parts) {
    if (left <= 0) break;
    const name = part.kind === 'call' ? Buffer.byteLength(part.name) : 0;
    kept.push(
      part.kind === 'call'
        ? { ...part, arguments: cutToBytes(part.arguments, left - name) }
        : { ...part, text: cutToBytes(part.text, left) },
    );
    left -= partBytes(part);
  }
  return kept;
}
