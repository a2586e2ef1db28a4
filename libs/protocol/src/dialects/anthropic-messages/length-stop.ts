import { formatSseEvent } from '../../sse/encoder';
import type { Usage } from '../../usage';
import { encodeStopReason } from './map-stop-reason';
import { encodeInputUsage, encodeOutputUsage, sameInputUsage } from './usage';

export const MESSAGE_STOP = formatSseEvent('message_stop', '{"type":"message_stop"}');

/**
 * SSE text that ends a message as one that reached `max_tokens`. A tool call that is open is just closed, its arguments
 * half: so the API itself does it.
 *
 * @param openBlock index of the block that is open; undefined: none
 * @param startUsage the input as `message_start` told it, told again where `usage` has learnt better
 */
export function encodeLengthStop(openBlock: number | undefined, usage: Usage, startUsage: Usage): string {
  const blockStop =
    openBlock === undefined
      ? ''
      : formatSseEvent('content_block_stop', JSON.stringify({ type: 'content_block_stop', index: openBlock }));
  const end = {
    type: 'message_delta',
    delta: { stop_reason: encodeStopReason('length'), stop_sequence: null },
    usage: { ...(!sameInputUsage(usage, startUsage) && encodeInputUsage(usage)), ...encodeOutputUsage(usage) },
  };
  return blockStop + formatSseEvent('message_delta', JSON.stringify(end)) + MESSAGE_STOP;
}
