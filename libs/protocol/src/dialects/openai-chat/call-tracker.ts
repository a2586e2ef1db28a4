import type { JsonValue } from '../../json';
import type { JsonExtent } from './json-extent';

/** A tool call of a stream, as far as its deltas have told it. */
export interface TrackedCall {
  /** Empty until the upstream gives one. */
  id: string;
  name: string;
  /** Of its arguments so far. */
  extent: JsonExtent;
}

/** What one delta says of its call; what it does not say is empty. */
export interface CallDelta {
  index: JsonValue | undefined;
  id: string;
  name: string;
  /** The piece of arguments it brings. */
  text: string;
}

/**
 * Tells which call each delta of a stream is of. OpenAI numbers them. Others leave the index out, or give every parallel call
 * index 0 (Ollama, lmdeploy, vLLM and SGLang in places, Gemini); leave the id out; repeat id and name on every delta, or make a new
 * id for each. Created per choice.
 */
export class CallTracker<Call extends TrackedCall> {
  private readonly calls: Call[] = [];
  private readonly byIndex = new Map<number, Call>();

  /** @param open a new call; how many there were before it */
  constructor(private readonly open: (position: number) => Call) {}

  get count(): number {
    return this.calls.length;
  }

  /** The caller keeps what the delta says of it. */
  callOf(delta: CallDelta): Call {
    const { index } = delta;
    const known = typeof index === 'number' ? this.byIndex.get(index) : this.unnumbered(delta.id);
    if (known && !isAnother(known, delta)) return known;
    const call = this.open(this.calls.length);
    this.calls.push(call);
    if (typeof index === 'number') this.byIndex.set(index, call);
    return call;
  }

  private unnumbered(id: string): Call | undefined {
    const named = id === '' ? undefined : this.calls.find((call) => call.id === id);
    return named ?? this.calls.at(-1);
  }
}

/** Of the same place as a known call, yet not of it. Only a delta with a name begins a call. */
function isAnother(known: TrackedCall, { id, name, text }: CallDelta): boolean {
  if (name === '' || known.name === '') return false;
  if (id !== '' && known.id !== '') return id !== known.id;
  return name !== known.name || (known.extent.isComplete && text.trim() !== '');
}
