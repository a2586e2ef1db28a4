import type { Decoded, Dialect } from '../dialect';

/** Calls of OpenAI's API that are no conversations. */
export type OperationId = 'embeddings' | 'completions';

/**
 * One such call: what its body asks for, and how its reply is watched. It is never translated, so only upstreams that
 * have the operation themselves can serve it. Created per request.
 */
export interface OperationCall extends Pick<Dialect, 'tapReply'> {
  readonly id: OperationId;
  /** Replies that are written for it, those that nobody gets to see (`best_of`) included; 0: nothing is written. */
  readonly replyCount: number;
  /** Absent: its replies come whole, whatever the client asks for. */
  readonly streamTap?: Dialect['streamTap'];
  /** UTF-8 bytes of generated text in a reply, for an estimate when its usage never came. */
  writtenBytes(reply: Buffer): number;
}

/** Whether its replies come in streams to whoever asks for one. */
export function isStreamed(operation: OperationCall): operation is OperationCall & Pick<Dialect, 'streamTap'> {
  return operation.streamTap !== undefined;
}

/** Reads what the gateway has to know of a body whose structure was checked before. */
export type OperationReader = (body: Buffer) => Decoded<OperationCall>;
