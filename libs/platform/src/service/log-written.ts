import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import pino from 'pino';
import type { Logger } from '../logging/logger';

/** A reader of the log that has stopped reading holds up no end. */
const PATIENCE_MS = 250;

/**
 * Resolves once the entry just logged is written: the log writes behind the process's back, and what is under way when a
 * process exits may be lost.
 */
export async function logWritten(log: Logger): Promise<void> {
  const destination: unknown = Reflect.get(log, pino.symbols.streamSym);
  if (!emitsEvents(destination)) return;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  await once(destination, 'drain', { signal }).catch(() => undefined);
}

function emitsEvents(destination: unknown): destination is EventEmitter {
  return typeof destination === 'object' && destination !== null && 'once' in destination;
}
