import type { UpstreamKind } from '../kind';
import { messages } from '../messages';

export const anthropic: UpstreamKind = { ...messages, defaultBaseUrl: 'https://api.anthropic.com' };
