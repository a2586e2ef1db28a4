import type { JsonObject } from '../../json';
import { formatSseEvent } from '../../sse/encoder';

/** Numbers and writes the events of one response, and keeps what its last one repeats. Created per reply. */
export class StreamWriter {
  /** Of the event to come. */
  sequenceNumber = 0;
  /** JSON text of each item that is complete. */
  readonly items: string[] = [];
  /** Of all messages. */
  text = '';

  /** @param response JSON text */
  lifecycle(type: string, response: string): string {
    return `${this.open(type)},"response":${response}}\n\n`;
  }

  itemAdded(item: JsonObject): string {
    return `${this.open('response.output_item.added')},"output_index":${this.items.length},"item":${JSON.stringify(item)}}\n\n`;
  }

  itemDone(item: JsonObject): string {
    const text = JSON.stringify(item);
    const event = `${this.open('response.output_item.done')},"output_index":${this.items.length},"item":${text}}\n\n`;
    this.items.push(text);
    return event;
  }

  /** An event of a part of the item that is open. */
  part(type: string, itemId: string, members: JsonObject): string {
    const data = {
      type,
      sequence_number: this.sequenceNumber++,
      item_id: itemId,
      output_index: this.items.length,
      ...members,
    };
    return formatSseEvent(type, JSON.stringify(data));
  }

  /** What never changes between the deltas of one part, to be put around each: see `delta`. */
  deltaFrame(type: string, itemId: string, members: JsonObject): string {
    const rest = JSON.stringify({ item_id: itemId, output_index: this.items.length, ...members });
    return `event: ${type}\ndata: {"type":"${type}",${rest.slice(1, -1)},"sequence_number":`;
  }

  /** The hot path: one template, one JSON.stringify of the text. */
  delta(frame: string, text: string): string {
    return `${frame}${this.sequenceNumber++},"delta":${JSON.stringify(text)}}\n\n`;
  }

  private open(type: string): string {
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.sequenceNumber++}`;
  }
}
