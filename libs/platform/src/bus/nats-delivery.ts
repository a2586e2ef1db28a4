/** What JetStream writes into the reply subject of a message it hands out. */
export interface Delivery {
  /** How often it was handed out, this time included. */
  deliveries: number;
  /** Position in the stream. */
  sequence: number;
  /** Position among what this consumer was handed. */
  consumerSequence: number;
  /** What the consumer has yet to be handed. */
  pending: number;
}

/**
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<time>.<pending>`, in later servers with
 * domain and account before the stream and a token behind. Undefined: it is no such subject.
 */
export function parseDelivery(reply: string | undefined): Delivery | undefined {
  const tokens = (reply ?? '').split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined;
  const from = tokens.length === 9 ? 4 : 6;
  const [deliveries, sequence, consumerSequence, , pending] = tokens.slice(from, from + 5).map(Number);
  if (deliveries === undefined || sequence === undefined || consumerSequence === undefined) return undefined;
  return { deliveries, sequence, consumerSequence, pending: pending ?? 0 };
}
