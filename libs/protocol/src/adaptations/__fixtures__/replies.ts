import fc from 'fast-check';
import type { Part } from '../../conversation';
import type { Reply } from '../../reply';
import type { BlockStart, StreamEvent } from '../../stream-event';
import { streamAdapter, type Adaptation } from '../adapt';
import type { AdaptationTarget } from '../change';

/** Takes nothing but what every upstream takes. */
export const PLAIN: AdaptationTarget = { customTools: false, tools: 'native', structuredOutputs: true };
export const EMULATED: AdaptationTarget = { customTools: false, tools: 'emulated', structuredOutputs: true };

/** Where a text is cut: taken modulo its length. */
export const arbitraryCuts = fc.array(fc.nat(500), { maxLength: 8 });

export function replyOf(parts: Part[], finish: Reply['finish'] = 'stop'): Reply {
  return { id: 'reply_1', model: 'm', parts, finish, unmapped: [] };
}

export function cutText(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((left, right) => left - right);
  return [...places, text.length].map((place, index) => text.slice(places[index - 1] ?? 0, place));
}

/** A reply as its upstream would stream it. */
export function eventsOf(reply: Reply, cuts: readonly number[] = []): StreamEvent[] {
  const events: StreamEvent[] = [{ type: 'start', id: reply.id, model: reply.model }];
  for (const part of reply.parts) {
    const [block, deltas] = blockOf(part, cuts);
    events.push({ type: 'block-start', block }, ...deltas, { type: 'block-stop' });
  }
  events.push({ type: 'finish', reason: reply.finish });
  return events;
}

function blockOf(part: Part, cuts: readonly number[]): [BlockStart, StreamEvent[]] {
  switch (part.type) {
    case 'text':
      return [{ type: 'text' }, cutText(part.text, cuts).map((text) => ({ type: 'text-delta', text }))];
    case 'thinking':
      return [{ type: 'thinking' }, cutText(part.text, cuts).map((text) => ({ type: 'thinking-delta', text }))];
    case 'refusal':
      return [{ type: 'refusal' }, [{ type: 'refusal-delta', text: part.text }]];
    case 'tool-call': {
      const { id, name, custom } = part;
      const deltas = cutText(part.arguments, cuts).map((json): StreamEvent => ({ type: 'arguments-delta', json }));
      return [{ type: 'tool-call', id, name, ...(custom === true && { custom }) }, deltas];
    }
    case 'opaque':
      return [{ type: 'opaque', dialect: part.dialect, wire: part.wire }, []];
    default:
      throw new Error(`no reply has ${part.type}`);
  }
}

/** What a stream comes to, its parts as a whole reply has them. */
export function replyFrom(events: readonly StreamEvent[]): { parts: Part[]; finish: string | undefined } {
  const parts: Part[] = [];
  let finish: string | undefined;
  for (const event of events) {
    const last = parts.at(-1);
    if (event.type === 'block-start') parts.push(partOf(event.block));
    else if (event.type === 'text-delta' && last?.type === 'text') last.text += event.text;
    else if (event.type === 'thinking-delta' && last?.type === 'thinking') last.text += event.text;
    else if (event.type === 'refusal-delta' && last?.type === 'refusal') last.text += event.text;
    else if (event.type === 'arguments-delta' && last?.type === 'tool-call') last.arguments += event.json;
    else if (event.type === 'finish') finish = event.reason;
  }
  return { parts, finish };
}

function partOf(block: BlockStart): Part {
  switch (block.type) {
    case 'tool-call':
      return { ...block, arguments: '' };
    case 'opaque':
    case 'redacted-thinking':
      return block;
    default:
      return { type: block.type, text: '' };
  }
}

export function adaptStream(events: readonly StreamEvent[], adaptation: Adaptation): StreamEvent[] {
  const adapter = streamAdapter(adaptation);
  return events.flatMap((event) => adapter.push(event));
}
