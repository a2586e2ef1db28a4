import { chat } from '../chat';
import type { UpstreamKind } from '../kind';

/** Served like Chat. */
export const responsesCompatible: UpstreamKind = chat;
