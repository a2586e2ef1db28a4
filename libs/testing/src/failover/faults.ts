import type { MayBreak } from './evaluate';
import type { UpstreamProcess } from './upstream-process';

/** Something that befalls an upstream, and its end. */
export interface Fault {
  name: string;
  /** Whether both upstreams have it. */
  ofBoth: boolean;
  mayBreak: MayBreak;
  strike(upstream: UpstreamProcess): Promise<void>;
  /** Resolves when the upstream answers as before. */
  heal(upstream: UpstreamProcess): Promise<void>;
}

/** Of a healthy upstream: 50 ms to the first token, and 150 ms more for the rest of a stream. */
export const HEALTHY = 'first_token_ms=45;first_token_jitter_ms=10;chunks=20;chunk_delay_ms=8';
const TWENTY_TIMES_SLOWER = 'first_token_ms=900&first_token_jitter_ms=200&chunk_delay_ms=160';

const killed = fault('killed', {
  mayBreak: 'under-way',
  strike: (upstream) => upstream.kill(),
  heal: (upstream) => upstream.start(),
});
const hung = fault('hung', {
  mayBreak: 'none',
  strike: (upstream) => upstream.hang(),
  heal: (upstream) => upstream.wake(),
});

export const FAULTS: readonly Fault[] = [
  killed,
  hung,
  behaving('slowed', TWENTY_TIMES_SLOWER),
  behaving('500s', 'status=500'),
  behaving('429s', 'status=429&retry_after=5'),
  // The first thing that is said is nonsense: another upstream can still be asked.
  behaving('malformed', 'malformed=1'),
  // The fifth thing that is said is: the client has the first four.
  behaving('garbled', 'malformed=5', 'any'),
  { ...killed, name: 'both-killed', ofBoth: true },
  { ...hung, name: 'both-hung', ofBoth: true },
];

function behaving(name: string, settings: string, mayBreak: MayBreak = 'none'): Fault {
  return fault(name, {
    mayBreak,
    strike: (upstream) => upstream.behave(settings),
    heal: (upstream) => upstream.behave(''),
  });
}

function fault(name: string, what: Pick<Fault, 'mayBreak' | 'strike' | 'heal'>): Fault {
  return { name, ofBoth: false, ...what };
}
