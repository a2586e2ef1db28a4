import { mustEndInV1 } from '../base-url';
import { chat } from '../chat';
import type { UpstreamKind } from '../kind';

export const openai: UpstreamKind = {
  ...chat,
  defaultBaseUrl: 'https://api.openai.com/v1',
  baseUrlFault: mustEndInV1,
  // Its reasoning models refuse `max_tokens`; other servers of the dialect often know nothing else.
  outputLimit: 'max_completion_tokens',
  takesCustomTools: true,
};
