import type { Dialect } from '../../dialect';
import { decodeError, encodeError, encodeStreamError } from './errors';
import { tapReply } from './reply-tap';
import { decodeRequest, encodeRequest } from './request';
import { decodeReply, encodeReply } from './response';
import { AnthropicStreamDecoder } from './stream-decoder';
import { AnthropicStreamEncoder, PING } from './stream-encoder';
import { AnthropicStreamTap } from './stream-tap';
import { DIALECT_ID } from './wire';

export const anthropicMessages: Dialect = {
  id: DIALECT_ID,
  decodeRequest,
  encodeRequest,
  decodeReply,
  encodeReply,
  streamDecoder: (context) => new AnthropicStreamDecoder(context),
  streamEncoder: (context) => new AnthropicStreamEncoder(context),
  streamTap: (context) => new AnthropicStreamTap(context),
  tapReply,
  decodeError,
  encodeError,
  encodeStreamError,
  keepalive: PING,
};
