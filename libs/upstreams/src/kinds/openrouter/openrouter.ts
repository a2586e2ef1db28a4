import { mustEndInV1 } from '../base-url';
import { chat } from '../chat';
import type { UpstreamKind } from '../kind';
import { quotaReader } from '../quota';
import { readNumber } from '../read-number';

/** Its limits come with its refusals only, and tell when they are over (epoch, milliseconds) rather than how long it is. */
export const openrouter: UpstreamKind = {
  ...chat,
  defaultBaseUrl: 'https://openrouter.ai/api/v1',
  baseUrlFault: mustEndInV1,
  // Its list of models has hundreds of kilobytes.
  probePath: () => '/key',
  quotaLeft: quotaReader([{ limit: 'x-ratelimit-limit', remaining: 'x-ratelimit-remaining' }]),
  retryAfterMs: (headers, nowMs) => {
    const told = chat.retryAfterMs(headers, nowMs);
    if (told !== undefined) return told;
    const resetAtMs = readNumber(headers, 'x-ratelimit-reset');
    return resetAtMs === undefined ? undefined : Math.max(0, resetAtMs - nowMs);
  },
};
