import { type Bus, BusUnavailableError, type StreamDefinition, type StreamMessage } from '@switchboard/contracts';

export interface Append {
  payload: string;
  dedupeId: string;
}

/** A bus whose line to the stream can be cut, and loses confirmations. All else is the bus it stands before. */
export interface InterruptibleBus extends Bus {
  /** Every attempt, those that failed included. */
  readonly appends: Append[];
  /** What goes wrong with the next attempts: `away` stores nothing, `unconfirmed` stores and does not say so. */
  fault: 'none' | 'away' | 'unconfirmed';
  /** How long an attempt takes. */
  latencyMs: number;
  /** The most attempts that were under way at once. */
  readonly concurrency: number;
  /** The next batches are handled, and their acknowledgement is lost. */
  losesAcknowledgements: number;
  reconnect(): void;
}

export function interruptible(bus: Bus): InterruptibleBus {
  const listeners = new Set<() => void>();
  let underWay = 0;
  let most = 0;
  const own = {
    appends: [] as Append[],
    fault: 'none' as InterruptibleBus['fault'],
    latencyMs: 0,
    losesAcknowledgements: 0,
    get concurrency() {
      return most;
    },
    reconnect() {
      own.fault = 'none';
      for (const listener of listeners) listener();
    },
    onConnected(listener: () => void) {
      listeners.add(listener);
      const inner = bus.onConnected(listener);
      return {
        stop: () => {
          listeners.delete(listener);
          return inner.stop();
        },
      };
    },
    async append(stream: StreamDefinition, payload: Uint8Array, dedupeId: string) {
      own.appends.push({ payload: Buffer.from(payload).toString('utf8'), dedupeId });
      most = Math.max(most, ++underWay);
      const { fault } = own;
      try {
        await new Promise((resolve) => setTimeout(resolve, own.latencyMs));
        if (fault === 'away') throw new BusUnavailableError('cut');
        await bus.append(stream, payload, dedupeId);
        if (fault === 'unconfirmed') throw new BusUnavailableError('the confirmation was lost');
      } finally {
        underWay--;
      }
    },
    consume(...[stream, durable, batch, handler]: Parameters<Bus['consume']>) {
      return bus.consume(stream, durable, batch, async (messages: StreamMessage[]) => {
        await handler(messages);
        if (own.losesAcknowledgements === 0) return;
        own.losesAcknowledgements--;
        throw new Error('the acknowledgement was lost');
      });
    },
  };
  return Object.setPrototypeOf(own, bus) as InterruptibleBus;
}
