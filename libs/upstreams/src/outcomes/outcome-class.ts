import type { OutcomeClass } from '@switchboard/contracts';

/** How a call to an upstream went wrong, as whoever made it tells. */
export interface FailedCall {
  /**
   * `gateway`: a fault of ours, met while the reply was being translated. `saturated`: nothing was sent, for our account
   * there has no room.
   */
  kind: 'saturated' | 'connect' | 'timeout' | 'rejected' | 'malformed' | 'broken' | 'shutdown' | 'gateway';
  /** HTTP status, where one came. */
  status?: number;
}

/** Undefined: it says nothing of the upstream, which was not asked, or was left by us. */
export function classOfFailure({ kind, status }: FailedCall): OutcomeClass | undefined {
  switch (kind) {
    case 'saturated':
    case 'shutdown':
    case 'gateway':
      return undefined;
    case 'rejected':
      return status === undefined ? 'failed' : classOfStatus(status);
    default:
      return kind;
  }
}

/** 529 is how Anthropic says that it is overloaded. Any 4xx that names no fault of the upstream is the client's. */
export function classOfStatus(status: number): OutcomeClass {
  if (status < 400) return 'ok';
  if (status >= 500) return 'failed';
  switch (status) {
    case 401:
    case 402:
    case 403:
      return 'account';
    case 404:
      return 'missing';
    case 408:
      return 'timeout';
    case 429:
      return 'limited';
    default:
      return 'client';
  }
}

/** Whether an outcome says that the upstream does not do its work. A limit is kept by whoever meets it. */
export function isFailure(outcome: OutcomeClass): boolean {
  return outcome !== 'ok' && outcome !== 'client' && outcome !== 'limited';
}
