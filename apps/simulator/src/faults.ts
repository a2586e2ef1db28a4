import type { Frame } from './frames';
import type { Cut, Scenario } from './scenario';

/** What to put on the wire, and how it ends: `complete` is the only healthy one. */
export interface Script {
  writes: Frame[];
  ending: 'complete' | 'stall' | Cut;
}

/** A stream with the scenario's fault in it. Of several faults the earliest in this order strikes. */
export function withFaults(frames: Frame[], scenario: Scenario, errorFrame: (sent: number) => string): Script {
  const { midStreamError, truncate, halfEvent, stall, malformed } = scenario;
  if (midStreamError !== undefined) {
    const sent = upTo(frames, midStreamError);
    const error = { bytes: Buffer.from(errorFrame(sent.length)), tokens: 0, chunk: false };
    return { writes: [...sent, error], ending: 'clean' };
  }
  if (truncate) return { writes: upTo(frames, truncate.after), ending: truncate.how };
  if (halfEvent !== undefined) {
    const whole = upTo(frames, halfEvent);
    const next = frames[whole.length];
    return { writes: next ? [...whole, half(next, '')] : whole, ending: 'clean' };
  }
  if (stall !== undefined) return { writes: upTo(frames, stall), ending: 'stall' };
  if (malformed !== undefined) return { writes: garble(frames, malformed), ending: 'complete' };
  return { writes: frames, ending: 'complete' };
}

/** Re-cuts the byte stream without regard to events: all at once, or in writes of `split` bytes. */
export function rechunk(writes: Frame[], scenario: Scenario): Frame[] {
  if (!scenario.coalesce && scenario.split === undefined) return writes;
  const bytes = Buffer.concat(writes.map((write) => write.bytes));
  const size = scenario.split ?? bytes.length;
  const recut: Frame[] = [];
  let read = 0;
  let readEnd = writes[0]?.bytes.length ?? 0;
  for (let start = 0; start < bytes.length; start += size) {
    const end = Math.min(bytes.length, start + size);
    let tokens = 0;
    for (; read < writes.length && readEnd <= end; read += 1, readEnd += writes[read]?.bytes.length ?? 0) {
      tokens += writes[read]?.tokens ?? 0;
    }
    recut.push({ bytes: bytes.subarray(start, end), tokens, chunk: true });
  }
  return recut;
}

/** Frames up to and with the K-th content chunk; with 0, everything before the first. */
function upTo(frames: Frame[], chunks: number): Frame[] {
  let seen = 0;
  const next = frames.findIndex((frame) => {
    if (!frame.chunk) return seen >= chunks && chunks > 0;
    seen += 1;
    return seen > chunks;
  });
  return next === -1 ? frames : frames.slice(0, next);
}

function garble(frames: Frame[], position: number): Frame[] {
  let seen = 0;
  return frames.map((frame) => {
    if (!frame.chunk) return frame;
    seen += 1;
    return seen === Math.max(1, position) ? half(frame, '\n\n') : frame;
  });
}

function half(frame: Frame, ending: string): Frame {
  const bytes = Buffer.concat([frame.bytes.subarray(0, Math.ceil(frame.bytes.length / 2)), Buffer.from(ending)]);
  return { bytes, tokens: 0, chunk: frame.chunk };
}
