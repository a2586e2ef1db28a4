import { type Bus, STREAMS } from '@switchboard/contracts';
import { type BufferedCallLog, CallIntake, type CallIntakeOptions } from './call-intake';
import { BATCH_CALLS_MAX, takeCallMessage } from './core/call-batch';

export interface CallPublisherOptions extends CallIntakeOptions {
  bus: Bus;
}

/**
 * Publishes calls to their stream: a message leaves 100 ms after its first call, or as soon as 200 wait. It is tried again
 * as it was and under the same id, so that the stream stores it once.
 */
export function createCallPublisher({ bus, ...options }: CallPublisherOptions): BufferedCallLog {
  const intake = new CallIntake(options, {
    ...{ take: takeCallMessage, callsMax: BATCH_CALLS_MAX, intervalMs: 100, inFlightMax: 2 },
    send: ({ payload, dedupeId }) => bus.append(STREAMS.calls, payload, dedupeId),
  });
  const reconnections = bus.onConnected(() => intake.wake());
  return {
    get buffered() {
      return intake.buffered;
    },
    record: (call) => intake.record(call),
    wake: () => intake.wake(),
    drain: (timeoutMs) => intake.drain(timeoutMs),
    close: async () => {
      await Promise.all([intake.close(), reconnections.stop()]);
    },
  };
}
