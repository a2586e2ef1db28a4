import type { BlockStart, StreamEvent } from '../../stream-event';

/** One block to be, and what waits for its turn. */
export interface Lane {
  /** A call may lack its name or id for a while. */
  block: BlockStart;
  /** Deltas received, not yet passed on. */
  waiting: StreamEvent[];
  /** All of it has been received. */
  isWhole: boolean;
  /** Its block was closed; nothing may follow. */
  isClosed: boolean;
}

/**
 * The API may interleave the items of a response, each by its index. Downstream one block is open at a time. So every
 * block is a lane; the first lane is open and passes its deltas on at once, the others hold theirs until it ends. A lane
 * ends when its item does; one of text or thinking, from servers that never say so, when the next one begins.
 *
 * Created per reply.
 */
export class StreamLanes {
  private readonly lanes: Lane[] = [];
  private headIsOpen = false;
  private unnamedCalls = 0;

  open(block: BlockStart): Lane {
    const lane: Lane = { block, waiting: [], isWhole: false, isClosed: false };
    this.lanes.push(lane);
    return lane;
  }

  push(lane: Lane, delta: StreamEvent, out: StreamEvent[]): void {
    if (this.headIsOpen && lane === this.lanes[0] && this.lanes.length === 1) {
      out.push(delta);
      return;
    }
    lane.waiting.push(delta);
    this.drain(false, out);
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

  /** To be called after a lane's block or state was changed. */
  drain(closing: boolean, out: StreamEvent[]): void {
    for (let head = this.lanes[0]; head; head = this.lanes[0]) {
      if (!this.headIsOpen) {
        if (!isReady(head, closing)) return;
        if (head.block.type === 'tool-call') head.block.id ||= `call_${this.unnamedCalls++}`;
        out.push({ type: 'block-start', block: head.block });
        this.headIsOpen = true;
      }
      out.push(...head.waiting);
      head.waiting = [];
      if (!closing && !head.isWhole && (this.lanes.length === 1 || head.block.type === 'tool-call')) return;
      out.push({ type: 'block-stop' });
      head.isClosed = true;
      this.lanes.shift();
      this.headIsOpen = false;
    }
  }
}

/** A call without an id waits for one as long as one may still come. */
function isReady({ block, isWhole }: Lane, closing: boolean): boolean {
  if (block.type !== 'tool-call') return true;
  return block.name !== '' && (block.id !== '' || isWhole || closing);
}
