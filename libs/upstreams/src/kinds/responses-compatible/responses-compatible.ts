import { chat } from '../chat';
import type { UpstreamKind } from '../kind';
import { responsesPath } from '../responses';

/** Servers of Responses that may have no Chat, or a poorer one; all else about them is as with Chat. */
export const responsesCompatible: UpstreamKind = {
  ...chat,
  dialect: 'openai-responses',
  inferencePath: responsesPath,
};
