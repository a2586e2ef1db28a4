import type { Part } from './answer';
import type { Scenario } from './scenario';
import { cutToPieces } from './tokens';

/** One server-sent event as bytes, and how many output tokens a reader has been given with it. */
export interface Frame {
  bytes: Buffer;
  tokens: number;
  /** A content delta: these are delayed, and fault positions count them. */
  chunk: boolean;
}

const TEXT_PIECE = 24;
/** Small, so that even short arguments come in several deltas. */
const JSON_PIECE = 6;

/** Collects the events of one stream and spreads the billed output tokens over them by the bytes they carry. */
export class FrameList {
  private readonly events: { text: string; weight: number; chunk: boolean }[] = [];

  /** `weight`: bytes of model output in this event. */
  add(text: string, chunk: boolean, weight = 0): void {
    this.events.push({ text, weight, chunk });
  }

  /** Token figures of the frames add up to `outputTokens`, or to 0 if no event has weight. */
  build(outputTokens: number): Frame[] {
    const total = this.events.reduce((sum, event) => sum + event.weight, 0);
    let weightBefore = 0;
    let tokensBefore = 0;
    return this.events.map(({ text, weight, chunk }) => {
      weightBefore += weight;
      const tokens = total === 0 ? 0 : Math.floor((outputTokens * weightBefore) / total);
      const frame = { bytes: Buffer.from(text), tokens: tokens - tokensBefore, chunk };
      tokensBefore = tokens;
      return frame;
    });
  }
}

/** The deltas a part arrives in. `chunks` cuts the text only; `chunk_bytes` cuts everything. */
export function pieces(part: Part, scenario: Scenario): string[] {
  if (part.kind === 'call') return cutToPieces(part.arguments, { size: scenario.chunkBytes ?? JSON_PIECE });
  if (part.kind === 'text' && scenario.chunks !== undefined) return cutToPieces(part.text, { pieces: scenario.chunks });
  return cutToPieces(part.text, { size: scenario.chunkBytes ?? TEXT_PIECE });
}
