import { scopeName, type Amounts, type Provider, type ReservationRequest } from '@switchboard/contracts';

/** One attempt at one provider. */
export interface AccountCall {
  /** Unique per attempt: `<request id>:<attempt>`. One that has left never enters again. */
  id: string;
  tenantId: string;
  inputTokens: number;
  /** What it may write at most. */
  outputTokens: number;
  /** Milliseconds since the epoch. */
  startedAtMs: number;
}

/** Of what an account has left beside a call's input, the share its output may set aside. */
const OUTPUT_SHARE = 4;

export function hasLimits({ limits }: Provider): boolean {
  return limits.rpm !== undefined || limits.tpm !== undefined || limits.concurrency !== undefined;
}

/** What the call takes of the account, which all tenants share. It is gone with the edge that took it: no intent. */
export function accountReservation({ id, limits }: Provider, call: AccountCall): ReservationRequest {
  const name = scopeName.provider(id);
  return {
    requestId: call.id,
    group: name,
    scopes: [{ scope: name, limits, budgets: [] }],
    amounts: accountAmounts(limits.tpm, call),
    startedAtMs: call.startedAtMs,
  };
}

/**
 * Tokens that a call sets aside in an account of `tpm` tokens per minute, input and output together. They never come to
 * more than `tpm`, so that every call fits an idle account, however long its prompt and whatever it may write.
 *
 * The output set aside is bounded by a quarter of what the input leaves: most calls write a small part of what they may,
 * and one that may write 64,000 tokens would close an account of 60,000 to all others until it ends. The bound is also
 * the least, since with less set aside calls would enter at the pace at which tokens come back and all of them overrun.
 * What a call used beyond that is charged when it leaves, and the next ones wait for it: per minute the account keeps to
 * its limit on average, as its upstream counts.
 */
function accountAmounts(tpm: number | undefined, { inputTokens, outputTokens }: AccountCall): Amounts {
  if (tpm === undefined)
    return { inputTokens, outputTokens: { least: 1, most: Math.max(1, outputTokens) }, nanoUsd: 0 };
  const input = Math.min(inputTokens, tpm - 1);
  const output = Math.max(1, Math.min(outputTokens, Math.floor((tpm - input) / OUTPUT_SHARE)));
  return { inputTokens: input, outputTokens: { least: output, most: output }, nanoUsd: 0 };
}
