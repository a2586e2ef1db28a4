import type { Dialect } from '../../dialect';
import { decodeError, encodeError } from '../openai/errors';
import { encodeStreamError } from './errors';
import { tapReply } from './reply-tap';
import { decodeRequest, encodeRequest } from './request';
import { decodeReply, encodeReply } from './response';
import { ResponsesStreamDecoder } from './stream-decoder';
import { KEEPALIVE, ResponsesStreamEncoder } from './stream-encoder';
import { ResponsesStreamTap } from './stream-tap';

/** OpenAI Responses, and the servers that speak it. */
export const openaiResponses: Dialect = {
  id: 'openai-responses',
  decodeRequest,
  encodeRequest,
  decodeReply,
  encodeReply,
  streamDecoder: (context) => new ResponsesStreamDecoder(context),
  streamEncoder: (context) => new ResponsesStreamEncoder(context),
  streamTap: (context) => new ResponsesStreamTap(context),
  tapReply,
  decodeError,
  encodeError,
  encodeStreamError,
  keepalive: KEEPALIVE,
};
