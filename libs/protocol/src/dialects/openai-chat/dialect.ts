import type { Dialect } from '../../dialect';
import { decodeError, encodeError } from '../openai/errors';
import { encodeStreamError } from './errors';
import { decodeRequest, encodeRequest } from './request';
import { decodeReply, encodeReply } from './response';
import { ChatStreamDecoder } from './stream';
import { ChatStreamEncoder, KEEPALIVE } from './stream-encoder';
import { tapReply } from './reply-tap';
import { ChatStreamTap } from './stream-tap';

/** OpenAI Chat Completions, and the servers that speak it. */
export const openaiChat: Dialect = {
  id: 'openai-chat',
  decodeRequest,
  encodeRequest,
  decodeReply,
  encodeReply,
  streamDecoder: (context) => new ChatStreamDecoder(context),
  streamEncoder: (context) => new ChatStreamEncoder(context),
  streamTap: (context) => new ChatStreamTap(context),
  tapReply,
  decodeError,
  encodeError,
  encodeStreamError,
  keepalive: KEEPALIVE,
};
