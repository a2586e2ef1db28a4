import type { UpstreamKind } from '../kind';
import { messages } from '../messages';

export const anthropicCompatible: UpstreamKind = messages;
