import type { Conversation, Part } from '../conversation';
import type { JsonObject } from '../json';
import type { Loss } from '../loss';
import type { FinishReason, Reply } from '../reply';
import type { StreamEvent } from '../stream-event';
import { sealSummary } from '../summary-envelope';
import type { AdaptedReply, Changed, ReplyChange, StreamAdapter } from './change';

const REQUEST = `The conversation so far is about to be replaced by a summary of it, which is all that you, or another model, will have to go on with. Write that summary now. Call no tools, and do not go on with the task itself.

Put down, as far as the conversation has it:
- what the user wants, in their own words where those matter, with every constraint and preference they gave
- what was decided, and why; what was tried and did not work
- what was done, and the state things are in: files, by their paths, with what was changed or found in them; commands and their outcome; names, ids and figures that are still needed
- what is open: the step that was under way, the next steps, questions and known problems

Be complete and precise rather than short, and leave out what is no longer needed. Answer with the summary alone.`;

const NO_SUMMARY = 'The upstream gave no summary of the conversation.';

/** Other than a stop, these say themselves why there is no text. */
const EXPLAINED: ReadonlySet<FinishReason> = new Set<FinishReason>(['length', 'context-window', 'refusal']);

/**
 * A conversation that asks for its summary (Responses `compaction_trigger`), for upstreams without such a thing: asked for in
 * words. Tools stay described, as what the provider has cached begins with them, but none is to be called; those of a
 * provider are left out, for they could not be called either.
 */
export function compactionToSummary({ compaction: _, ...conversation }: Conversation): Changed {
  const { outputFormat: _format, parallelToolCalls: _parallel, toolChoice: _choice, ...rest } = conversation;
  const tools = rest.tools.filter(({ type }) => type !== 'server');
  const messages = [...rest.messages, { role: 'user' as const, parts: [{ type: 'text' as const, text: REQUEST }] }];
  return {
    conversation: { ...rest, tools, messages, ...(tools.length > 0 && { toolChoice: { type: 'none' as const } }) },
    change: new CompactionChange(),
  };
}

/** The reply's text as the one opaque part that stands for the conversation; nobody else reads it. */
function compactionItem(text: string): JsonObject {
  return { type: 'compaction', encrypted_content: sealSummary(text) };
}

class CompactionChange implements ReplyChange {
  readonly name = 'compaction';

  reply(reply: Reply): AdaptedReply {
    const losses: Loss[] = [];
    const kept: Part[] = [];
    let text = '';
    reply.parts.forEach((part, index) => {
      if (part.type === 'text') text += part.text;
      else if (part.type === 'refusal') kept.push(part);
      else losses.push({ feature: `block.${part.type}`, path: `content[${index}]` });
    });
    const finish = finishOf(reply.finish);
    if (text.trim() === '') {
      if (kept.length === 0 && !EXPLAINED.has(finish)) return { ok: false, fault: { message: NO_SUMMARY } };
      return { ok: true, value: { ...reply, parts: kept, finish }, losses };
    }
    kept.push({ type: 'opaque', dialect: 'openai-responses', wire: compactionItem(text) });
    return { ok: true, value: { ...reply, parts: kept, finish }, losses };
  }

  stream(): StreamAdapter {
    return new CompactionStream();
  }
}

/** Holds the summary until it is whole: half an item is of no use to anybody. */
class CompactionStream implements StreamAdapter {
  private text = '';
  /** Kind of the block that is open. */
  private open: string | undefined;
  private hasRefusal = false;

  push(event: StreamEvent): StreamEvent[] {
    switch (event.type) {
      case 'start':
      case 'error':
      case 'ping':
      case 'loss':
        return [event];
      case 'finish':
        return this.finish(event);
      case 'block-start':
        return this.start(event);
      default:
        return this.inBlock(event);
    }
  }

  private start(event: StreamEvent & { type: 'block-start' }): StreamEvent[] {
    const { type } = event.block;
    this.open = type;
    if (type === 'text') return [];
    if (type !== 'refusal') return [{ type: 'loss', loss: { feature: `block.${type}`, path: 'stream' } }];
    this.hasRefusal = true;
    return [event];
  }

  private inBlock(event: StreamEvent): StreamEvent[] {
    const { open } = this;
    if (event.type === 'block-stop') this.open = undefined;
    if (open === 'refusal') return [event];
    if (open === 'text' && event.type === 'text-delta') this.text += event.text;
    return [];
  }

  private finish(event: StreamEvent & { type: 'finish' }): StreamEvent[] {
    const finish: StreamEvent = { ...event, reason: finishOf(event.reason) };
    if (this.text.trim() !== '') {
      const block = { type: 'opaque' as const, dialect: 'openai-responses', wire: compactionItem(this.text) };
      return [{ type: 'block-start', block }, { type: 'block-stop' }, finish];
    }
    if (this.hasRefusal || EXPLAINED.has(finish.reason)) return [finish];
    return [{ type: 'error', error: { kind: 'malformed', message: NO_SUMMARY } }];
  }
}

/** Calls go with everything else that is no summary. */
function finishOf(reason: FinishReason): FinishReason {
  return reason === 'tool-calls' ? 'stop' : reason;
}
