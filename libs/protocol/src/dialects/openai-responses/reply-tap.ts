import type { TapContext, TappedReply } from '../../dialect';

export function tapReply(_body: Buffer, _context: TapContext): TappedReply {
  throw new Error('not built yet');
}
