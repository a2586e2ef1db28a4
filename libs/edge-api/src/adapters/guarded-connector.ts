import { type AddressRule, guardedLookup, refusalOfLiteral, type Resolver } from '@switchboard/platform';
import { buildConnector } from 'undici';

export interface ConnectorOptions extends AddressRule {
  timeoutMs: number;
  resolve?: Resolver;
}

/** Connects to public addresses only, as {@link guardedLookup} tells them. */
export function guardedConnector(options: ConnectorOptions): buildConnector.connector {
  const { timeoutMs, resolve } = options;
  const connect = buildConnector({ timeout: timeoutMs, lookup: guardedLookup(options, resolve) });
  return (target, done) => {
    const refusal = refusalOfLiteral(target.hostname, options);
    if (refusal !== undefined) return done(refusal, null);
    connect(target, done);
  };
}
