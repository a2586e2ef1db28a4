/** What a call is like, and what its upstream does to it. */
export interface Shape {
  name: string;
  /** How often, beside the others. */
  weight: number;
  /** Settings of the simulator, of the upstream that answers. */
  settings: string;
  /** Settings of another one that is tried first, and fails. */
  failingFirst?: string;
  onDisconnect?: 'cancel' | 'drain';
  /** Only one of the two makes sense; absent: both come. */
  stream?: boolean;
  /** How many of the clients leave in the middle, from 0 to 1. */
  leaving: number;
  /** From the call to when they do. */
  leavesAfterMs?: { least: number; most: number };
}

/** So that whoever reads a reply knows whether it is whole. */
export const REPLY_TEXT = sentence(600);
/** Of `REPLY_TEXT`, by the simulator's tokenizer; a call that asks for more gets all of it. */
export const MAX_TOKENS = 200;

const QUICK = 'chunks=5;chunk_delay_ms=25';
const SLOW = 'chunks=40;chunk_delay_ms=90';

export const SHAPES: readonly Shape[] = [
  { name: 'quick', weight: 34, settings: QUICK, leaving: 0 },
  {
    ...{ name: 'slow', weight: 24, settings: SLOW, stream: true },
    ...{ leaving: 0.3, leavesAfterMs: { least: 150, most: 3_000 } },
  },
  {
    ...{ name: 'late', weight: 8, settings: 'first_token_ms=1500', stream: false },
    ...{ leaving: 0.2, leavesAfterMs: { least: 100, most: 1_200 } },
  },
  {
    ...{ name: 'drained', weight: 8, settings: SLOW, stream: true, onDisconnect: 'drain' },
    ...{ leaving: 0.7, leavesAfterMs: { least: 150, most: 3_000 } },
  },
  { name: 'untold', weight: 4, settings: `${QUICK};no_usage`, leaving: 0 },
  { name: 'refused', weight: 4, settings: 'status=500', leaving: 0 },
  { name: 'failover', weight: 8, settings: QUICK, failingFirst: 'status=503', leaving: 0 },
  { name: 'dropped', weight: 4, settings: QUICK, failingFirst: 'drop', leaving: 0 },
  { name: 'cut', weight: 4, settings: 'chunks=20;chunk_delay_ms=30;truncate=8,reset', leaving: 0 },
  { name: 'error', weight: 2, settings: 'chunks=20;chunk_delay_ms=30;mid_stream_error=6', stream: true, leaving: 0 },
];

/** Every word differs, so that a piece that is missing or comes twice shows. */
function sentence(bytes: number): string {
  let text = '';
  for (let word = 0; text.length < bytes; word++) text += `word-${word} `;
  return text.slice(0, bytes).trimEnd();
}
