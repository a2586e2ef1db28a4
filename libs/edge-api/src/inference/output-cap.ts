import {
  editOf,
  COMPLETION_TOKENS_DEFAULT,
  JsonScanner,
  readJsonNumber,
  type ByteEdit,
  type DialectId,
  type SniffedField,
} from '@switchboard/protocol';
import { KINDS } from '@switchboard/upstreams';
import { insertMembers } from '../core/insert-members';
import type { Candidate } from '../core/plan';
import type { InferenceRequest } from './inference-request';

/** The members that limit the output, as a client may name them. */
const LIMIT_NAMES = {
  'anthropic-messages': ['max_tokens'],
  'openai-chat': ['max_completion_tokens', 'max_tokens'],
  'openai-responses': ['max_output_tokens'],
} as const satisfies Record<DialectId, readonly SniffedField[]>;

type LimitName = (typeof LIMIT_NAMES)[DialectId][number];

/** The least `thinking.budget_tokens` that the API takes. */
const THINKING_BUDGET_TOKENS_MIN = 1024;

const thinkingScanner = new JsonScanner(['thinking', 'thinking.budget_tokens']);

/**
 * The edits that keep a client's own bytes from asking for more than `outputTokensMost`, in no order: every maximum that
 * is larger gives way to it, and where the client gave none (null is none) the upstream is told in the name it knows.
 */
export function capOutput(
  { body, dialect, sniffed, operation }: InferenceRequest,
  { provider }: Candidate,
  outputTokensMost: number,
): ByteEdit[] {
  const names: readonly LimitName[] = operation === undefined ? LIMIT_NAMES[dialect.id] : ['max_tokens'];
  const replacement = String(outputTokensMost);
  const edits: ByteEdit[] = [];
  let isGiven = false;
  for (const name of names) {
    const span = sniffed.spans[name];
    const given = span && readJsonNumber(body, span);
    if (span === undefined || given === undefined) continue;
    isGiven = true;
    if (given > outputTokensMost) edits.push({ ...span, replacement });
  }
  if (!isGiven) {
    // In one name only: OpenAI refuses both, and a null in the other says nothing.
    const isChat = dialect.id === 'openai-chat' && operation === undefined;
    const name = isChat ? KINDS[provider.kind].outputLimit : (names[0] ?? 'max_tokens');
    const span = sniffed.spans[name];
    // Without a limit the older completions are short, and are not to become longer by having one.
    const limit = operation === undefined ? outputTokensMost : Math.min(outputTokensMost, COMPLETION_TOKENS_DEFAULT);
    edits.push(span ? editOf(span, String(limit)) : insertMembers(body, `"${name}":${limit},`));
  }
  if (dialect.id === 'anthropic-messages' && edits.length > 0) edits.push(...capThinking(body, outputTokensMost));
  return edits;
}

/** The Messages API refuses a thinking budget that is not below `max_tokens`: less thinking, or none, is what is left. */
function capThinking(body: Buffer, outputTokensMost: number): ByteEdit[] {
  const scan = thinkingScanner.scan(body);
  if (!scan.ok) return [];
  const { thinking, 'thinking.budget_tokens': budget } = scan.spans;
  if (thinking === undefined || budget === undefined) return [];
  const wanted = readJsonNumber(body, budget);
  if (wanted === undefined || wanted < outputTokensMost) return [];
  const mostTokens = outputTokensMost - 1;
  return mostTokens < THINKING_BUDGET_TOKENS_MIN
    ? [editOf(thinking, '{"type":"disabled"}')]
    : [editOf(budget, String(mostTokens))];
}
