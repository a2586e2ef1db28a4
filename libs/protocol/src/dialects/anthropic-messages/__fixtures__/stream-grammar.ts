import type { BlockStart, StreamEvent } from '../../../stream-event';

const HOME: Partial<Record<StreamEvent['type'], readonly BlockStart['type'][]>> = {
  'text-delta': ['text', 'opaque'],
  citation: ['text', 'opaque'],
  'thinking-delta': ['thinking', 'opaque'],
  'signature-delta': ['thinking', 'opaque'],
  'refusal-delta': ['refusal'],
  'arguments-delta': ['tool-call', 'opaque'],
};

/** What breaks the grammar of `StreamEvent` in a whole stream; undefined where nothing does. */
export function grammarFault(events: readonly StreamEvent[]): string | undefined {
  let open: BlockStart['type'] | undefined;
  let started = false;
  let ended = false;
  for (const [index, { type }] of events.entries()) {
    const event = events[index];
    if (event === undefined || type === 'ping' || type === 'loss') continue;
    if (ended) return `${type} after the end`;
    if (type === 'error') ended = true;
    else if (type === 'start') {
      if (started) return 'a second start';
      started = true;
    } else if (!started) return `${type} before start`;
    else if (event.type === 'block-start') {
      if (open !== undefined) return 'two blocks open';
      open = event.block.type;
    } else if (type === 'block-stop') {
      if (open === undefined) return 'block-stop without a block';
      open = undefined;
    } else if (type === 'finish') {
      if (open !== undefined) return 'finish inside a block';
      ended = true;
    } else if (open === undefined || !HOME[type]?.includes(open)) return `${type} in ${open ?? 'no block'}`;
  }
  return ended ? undefined : 'no end';
}
