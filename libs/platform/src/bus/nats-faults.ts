import { BusUnavailableError } from '@switchboard/contracts';
import { ErrorCode, NatsError } from 'nats';

/** The server's own numbers of what can be wrong with a JetStream request. */
const STREAM_NOT_FOUND = 10_059;
const STREAM_EXISTS_OTHERWISE = 10_058;
const CONSUMER_NOT_FOUND = 10_014;
const MESSAGE_NOT_FOUND = 10_037;
const WRONG_LAST_SEQUENCE = 10_071;

const apiCode = (error: unknown): number | undefined =>
  error instanceof NatsError ? error.api_error?.err_code : undefined;

/** Also: nobody stores what is published on its subject. */
export const isStreamMissing = (error: unknown): boolean =>
  apiCode(error) === STREAM_NOT_FOUND || (error instanceof NatsError && error.code === ErrorCode.NoResponders);

export const isStreamDifferent = (error: unknown): boolean => apiCode(error) === STREAM_EXISTS_OTHERWISE;

export const isConsumerMissing = (error: unknown): boolean => apiCode(error) === CONSUMER_NOT_FOUND;

/** Servers before 2.10 give no number of their own for it. */
export const isMessageMissing = (error: unknown): boolean =>
  apiCode(error) === MESSAGE_NOT_FOUND ||
  (error instanceof NatsError && error.code === ErrorCode.JetStream404NoMessages);

/** The last message of the subject is not the one that was expected. */
export const isChangedSince = (error: unknown): boolean => apiCode(error) === WRONG_LAST_SEQUENCE;

export const isSignInRefused = (error: unknown): boolean => error instanceof NatsError && error.isAuthError();

/** What the port throws for `error`; a payload that no connection will ever carry stays the caller's fault. */
export function unavailable(doing: string, error: unknown): Error {
  if (error instanceof BusUnavailableError) return error;
  if (error instanceof NatsError && error.code === ErrorCode.MaxPayloadExceeded) {
    return new RangeError(`${doing}: the payload is larger than the bus carries`, { cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new BusUnavailableError(`${doing}: ${reason}`, { cause: error });
}
