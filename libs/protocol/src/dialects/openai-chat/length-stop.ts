import type { TapContext } from '../../dialect';
import { isJsonObject, type JsonObject } from '../../json';
import { readJsonValue, type JsonSpan } from '../../json-span';
import { formatSseEvent } from '../../sse/encoder';
import type { Usage } from '../../usage';
import type { ChunkForm } from './chunk-form';
import { encodeUsage } from './usage';
import { DONE, type WireFinishReason } from './wire';

/** What a stream told that its end must repeat: which of its choices (`n`) are open, and its head. Created per reply. */
export class OpenReply {
  private readonly open = new Set<number>();
  private readonly finished = new Set<number>();
  /** The first chunk that had a choice. Copied, so as not to keep the read it came in; parsed only if asked. */
  private firstChunk: Buffer | undefined;

  constructor(private readonly form: ChunkForm) {}

  /** A choice came. */
  get hasBegun(): boolean {
    return this.firstChunk !== undefined;
  }

  get hasOpenChoices(): boolean {
    return this.open.size > 0;
  }

  /** One choice of one chunk. What follows its finish does not open it again. */
  sawChoice(index: number, isFinished: boolean): void {
    if (isFinished) {
      this.open.delete(index);
      this.finished.add(index);
    } else if (!this.finished.has(index)) this.open.add(index);
  }

  /** After the choices of a chunk were seen. */
  sawChunk(bytes: Buffer, { start, end }: JsonSpan): void {
    if (this.firstChunk !== undefined || this.open.size + this.finished.size === 0) return;
    this.firstChunk = Buffer.from(bytes.subarray(start, end));
  }

  /** SSE text that ends every open choice; OpenAI ends each in a chunk of its own. */
  encodeFinishes({ model, includeUsage }: TapContext, reasonOf: (index: number) => WireFinishReason): string {
    let text = '';
    for (const index of this.open) {
      const choice = { index, ...this.form.nothingMore, logprobs: null, finish_reason: reasonOf(index) };
      text += this.encodeChunk(model, { choices: [choice], ...(includeUsage && { usage: null }) });
    }
    return text;
  }

  encodeUsageChunk(usage: Usage, { model, costUsd }: TapContext): string {
    return this.encodeChunk(model, { choices: [], usage: encodeUsage(usage, costUsd) });
  }

  private encodeChunk(model: string, members: JsonObject): string {
    return formatSseEvent(
      undefined,
      JSON.stringify({ ...this.readHead(), object: this.form.object, model, ...members }),
    );
  }

  /** Absent where the upstream gave none. */
  private readHead(): { id?: string; created?: number } {
    const { firstChunk } = this;
    const chunk = firstChunk && readJsonValue(firstChunk, { start: 0, end: firstChunk.length });
    if (!isJsonObject(chunk)) return {};
    const { id, created } = chunk;
    return { ...(typeof id === 'string' && { id }), ...(typeof created === 'number' && { created }) };
  }
}

export const DONE_EVENT = formatSseEvent(undefined, DONE);
