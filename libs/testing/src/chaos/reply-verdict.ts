import { errorIn, looksComplete, streamedText, streamError, type ClientDialect } from '../e2e/conversation';
import type { RawReply } from '../e2e/http-exchange';

/**
 * How a call looked to its client. `whole`: a complete reply, every word of it. `cut`: it looked complete and was not,
 * which must never be. `refused`: an error status in the client's dialect. `failed`: a stream that told of its failure.
 * `broken`: the connection ended, so that no client takes it for a reply. `left`: the client went.
 */
export type Outcome = 'whole' | 'cut' | 'refused' | 'failed' | 'broken' | 'left';

export interface Verdict {
  outcome: Outcome;
  /** What went wrong, for whoever reads of it. */
  detail: string;
}

export function verdictOf(dialect: ClientDialect, reply: RawReply, stream: boolean, expected: string): Verdict {
  const { status, text } = reply;
  if (status !== 200) return refusal(dialect, reply);
  if (!stream) return bodyVerdict(dialect, reply, expected);
  if (looksComplete(dialect, text)) {
    return compared(streamedText(dialect, text), expected);
  }
  const error = reply.complete ? streamError(dialect, text) : undefined;
  if (error !== undefined) return { outcome: 'failed', detail: error.message };
  // HTTP ended it as if it were all there is: some clients believe that.
  if (reply.complete) return { outcome: 'cut', detail: `it ended without its last event: ${text.slice(-200)}` };
  return { outcome: 'broken', detail: 'the connection broke in the middle of the stream' };
}

function refusal(dialect: ClientDialect, { status, text, complete }: RawReply): Verdict {
  try {
    const { code, message } = errorIn(dialect, text);
    return { outcome: 'refused', detail: `${status} ${code ?? ''} ${message}` };
  } catch {
    return { outcome: 'broken', detail: `${status}, complete: ${complete}: ${text.slice(-200)}` };
  }
}

function bodyVerdict(dialect: ClientDialect, { complete, text }: RawReply, expected: string): Verdict {
  if (!complete) return { outcome: 'broken', detail: 'the connection broke in the middle of the body' };
  try {
    return compared(bodyText(dialect, text), expected);
  } catch {
    return { outcome: 'cut', detail: `not a reply: ${text.slice(-200)}` };
  }
}

function compared(text: string, expected: string): Verdict {
  if (text === expected) return { outcome: 'whole', detail: '' };
  return { outcome: 'cut', detail: `${text.length} characters instead of ${expected.length}: …${text.slice(-100)}` };
}

function bodyText(dialect: ClientDialect, text: string): string {
  if (dialect === 'anthropic') {
    const { content } = JSON.parse(text) as { content: { text?: string }[] };
    return content.map((block) => block.text ?? '').join('');
  }
  const { choices } = JSON.parse(text) as { choices: { message: { content: string } }[] };
  return choices.map(({ message }) => message.content).join('');
}
