import type { Part } from '@switchboard/protocol';

/** UTF-8 bytes that a model wrote, for an estimate where its upstream told no usage. */
export function generatedBytes(parts: readonly Part[]): number {
  let bytes = 0;
  for (const part of parts) {
    switch (part.type) {
      case 'text':
      case 'thinking':
      case 'refusal':
        bytes += Buffer.byteLength(part.text);
        break;
      case 'tool-call':
        bytes += Buffer.byteLength(part.name) + Buffer.byteLength(part.arguments);
        break;
      default:
        break;
    }
  }
  return bytes;
}
