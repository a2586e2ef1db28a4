import { SseDecoder, type SseEvent } from '../sse/decoder';
import type { StreamDecoder } from '../dialect';
import type { StreamEnd, StreamEvent } from '../stream-event';

export interface CollectedCall {
  id: string;
  name: string;
  arguments: string;
}

/** What a canonical stream said, blocks of one kind joined. */
export interface Collected {
  text: string;
  thinking: string;
  refusal: string;
  signatures: string[];
  redacted: string[];
  calls: CollectedCall[];
  end: (StreamEvent & { type: 'finish' | 'error' }) | undefined;
}

const DELTAS_OF: Record<string, readonly StreamEvent['type'][]> = {
  text: ['text-delta', 'citation'],
  thinking: ['thinking-delta', 'signature-delta'],
  'redacted-thinking': [],
  refusal: ['refusal-delta'],
  'tool-call': ['arguments-delta'],
  opaque: ['arguments-delta', 'text-delta'],
};

/** Throws where events break the grammar of `StreamEvent`; else returns what they said. */
export function readStream(events: readonly StreamEvent[]): Collected {
  const said: Collected = {
    text: '',
    thinking: '',
    refusal: '',
    signatures: [],
    redacted: [],
    calls: [],
    end: undefined,
  };
  let open: string | undefined;
  let started = false;
  events.forEach((event, index) => {
    const demand = (holds: boolean, rule: string): void => {
      if (!holds) throw new Error(`${rule}: event ${index}, ${JSON.stringify(event)} of ${JSON.stringify(events)}`);
    };
    if (event.type === 'ping' || event.type === 'loss') return;
    demand(said.end === undefined, 'nothing follows the end');
    switch (event.type) {
      case 'start':
        demand(!started, 'one start');
        started = true;
        return;
      case 'block-start':
        demand(started && open === undefined, 'one block is open at a time');
        open = event.block.type;
        if (event.block.type === 'tool-call')
          said.calls.push({ id: event.block.id, name: event.block.name, arguments: '' });
        if (event.block.type === 'redacted-thinking') said.redacted.push(event.block.data);
        return;
      case 'block-stop':
        demand(open !== undefined, 'only an open block is closed');
        open = undefined;
        return;
      case 'finish':
        demand(started && open === undefined, 'every block is closed before the finish');
        said.end = event;
        return;
      case 'error':
        said.end = event;
        return;
      default:
        demand(open !== undefined && (DELTAS_OF[open] ?? []).includes(event.type), 'a delta fits its open block');
        collectDelta(said, event);
    }
  });
  return said;
}

function collectDelta(said: Collected, event: StreamEvent): void {
  if (event.type === 'text-delta') said.text += event.text;
  else if (event.type === 'thinking-delta') said.thinking += event.text;
  else if (event.type === 'refusal-delta') said.refusal += event.text;
  else if (event.type === 'signature-delta') said.signatures.push(event.signature);
  else if (event.type === 'arguments-delta') {
    const call = said.calls.at(-1);
    if (call) call.arguments += event.json;
  }
}

/** Bytes in pieces cut at any places (taken modulo the length). */
export function cutBytes(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((left, right) => left - right);
  return [...places, bytes.length].map((place, index) => bytes.subarray(places[index - 1] ?? 0, place));
}

export function readSse(bytes: Buffer, cuts: readonly number[] = []): SseEvent[] {
  const decoder = new SseDecoder();
  return cutBytes(bytes, cuts).flatMap((piece) => decoder.push(piece));
}

/** All that a stream decoder makes of these bytes. */
export function decodeBytes(
  decoder: StreamDecoder,
  bytes: Buffer,
  how: StreamEnd = 'completed',
  cuts: readonly number[] = [],
): StreamEvent[] {
  const events = readSse(bytes, cuts).flatMap((event) => decoder.push(event));
  return [...events, ...decoder.end(how)];
}
