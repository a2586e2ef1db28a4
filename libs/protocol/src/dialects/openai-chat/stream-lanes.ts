import type { StreamEvent } from '../../stream-event';
import type { TrackedCall } from './call-tracker';
import { JsonExtent } from './json-extent';

export type TextKind = 'text' | 'thinking' | 'refusal';

interface TextLane {
  kind: TextKind;
  /** Received, not yet passed on. */
  pending: string;
}

export interface CallLane extends TrackedCall {
  kind: 'call';
  custom: boolean;
  /** Id to give where the upstream never does. */
  fallbackId: string;
  pending: string;
  /** Its block was closed; nothing but white space may follow. */
  done: boolean;
}

type Lane = TextLane | CallLane;

/**
 * Chat interleaves what it likes: text, reasoning and any number of calls, each by its own index. Downstream one block is
 * open at a time. So every block is a lane; the first lane is open and passes its deltas on at once, the others hold
 * theirs until it ends. A text lane ends when another lane begins. A call may always get more arguments, so it ends when
 * another lane waits and its arguments are a whole JSON object, or when the reply ends.
 *
 * Created per reply.
 */
export class StreamLanes {
  private readonly lanes: Lane[] = [];
  private headIsOpen = false;

  constructor(private readonly toolNames: ReadonlyMap<string, string>) {}

  pushText(kind: TextKind, text: string, out: StreamEvent[]): void {
    const last = this.lanes.at(-1);
    if (last?.kind === kind) last.pending += text;
    else this.lanes.push({ kind, pending: text });
    this.drain(false, out);
  }

  openCall(fallbackId: string): CallLane {
    const extent = new JsonExtent();
    const lane: CallLane = {
      ...{ kind: 'call', id: '', name: '', custom: false, fallbackId },
      ...{ pending: '', extent, done: false },
    };
    this.lanes.push(lane);
    return lane;
  }

  /** @returns false where arguments came for a call that had ended */
  pushArguments(lane: CallLane, json: string, out: StreamEvent[]): boolean {
    if (lane.done) return json.trim() === '';
    lane.pending += json;
    if (!lane.custom) lane.extent.push(json);
    this.drain(false, out);
    return true;
  }

  /**
   * The reply is over: passes on and closes everything.
   *
   * @returns false where a call never got a name
   */
  close(out: StreamEvent[]): boolean {
    this.drain(true, out);
    return this.lanes.length === 0;
  }

  private drain(closing: boolean, out: StreamEvent[]): void {
    for (let head = this.lanes[0]; head; head = this.lanes[0]) {
      if (!this.headIsOpen) {
        if (!isReady(head, closing)) return;
        out.push({ type: 'block-start', block: this.blockOf(head) });
        this.headIsOpen = true;
      }
      if (head.pending !== '') {
        out.push(deltaOf(head.kind, head.pending));
        head.pending = '';
      }
      if (!closing && (this.lanes.length === 1 || !isSettled(head))) return;
      out.push({ type: 'block-stop' });
      if (head.kind === 'call') head.done = true;
      this.lanes.shift();
      this.headIsOpen = false;
    }
  }

  private blockOf(lane: Lane): (StreamEvent & { type: 'block-start' })['block'] {
    if (lane.kind !== 'call') return { type: lane.kind };
    const name = this.toolNames.get(lane.name) ?? lane.name;
    return { type: 'tool-call', id: lane.id || lane.fallbackId, name, ...(lane.custom && { custom: true }) };
  }
}

/** A call without an id waits for one as long as one may still come. */
function isReady(lane: Lane, closing: boolean): boolean {
  if (lane.kind !== 'call') return true;
  return lane.name !== '' && (lane.id !== '' || closing || lane.extent.isComplete);
}

function isSettled(lane: Lane): boolean {
  return lane.kind !== 'call' || lane.extent.isComplete;
}

function deltaOf(kind: Lane['kind'], text: string): StreamEvent {
  switch (kind) {
    case 'text':
      return { type: 'text-delta', text };
    case 'thinking':
      return { type: 'thinking-delta', text };
    case 'refusal':
      return { type: 'refusal-delta', text };
    case 'call':
      return { type: 'arguments-delta', json: text };
  }
}
