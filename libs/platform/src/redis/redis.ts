import { setTimeout as delay } from 'node:timers/promises';
import type { HealthCheck } from '@switchboard/contracts';
import { Redis } from 'ioredis';
import type { Logger } from '../logging/logger';

export type { Redis } from 'ioredis';

/** What a call may wait for an answer: it has a client waiting behind it. */
const COMMAND_TIMEOUT_MS = 1_000;
/** A server that owes an answer to two of these in a row is taken for gone, and connected to anew. */
const PING_INTERVAL_MS = 2_000;
const MISSED_PINGS_MAX = 2;
const CONNECT_TIMEOUT_MS = 2_000;
/** How long a closed one is waited for to close its end. */
const DISCONNECT_TIMEOUT_MS = 500;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;

/**
 * A connection to `url` (`redis://[user:password@]host:port[/db]`, `rediss://` for TLS) that returns at once and connects
 * in the background, for ever. Nothing queues behind a server that is away: without a connection a command rejects at
 * once, one under way when it breaks rejects then, and one without answer after a second. A command that rejected may
 * have run all the same.
 *
 * @param name tells the connection from others in the log, and in Redis's own client list.
 */
export function openRedis({ url, log, name }: { url: string; log: Logger; name: string }): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    disableClientInfo: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: pauseMs,
    // A primary that was demoted: the address leads to the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  tellOutages(redis, log, name);
  return redis;
}

/**
 * As `openRedis`, but what is asked waits until the server has answered, however long it is away: for BullMQ, which blocks
 * in its commands and expects none of them to fail. Close it with `disconnect()`: what still waits rejects then.
 */
export function openPatientRedis({ url, log, name }: { url: string; log: Logger; name: string }): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    disableClientInfo: true,
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: pauseMs,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  tellOutages(redis, log, name);
  return redis;
}

/** Down while there is no connection, or the server does not answer on it. */
export function redisHealth(redis: Redis, { required }: { required: boolean }): HealthCheck {
  return {
    name: 'redis',
    required,
    check: async () => {
      if (redis.status !== 'ready') throw new Error('not connected');
      await ping(redis);
    },
  };
}

/** After the commands under way; a server that does not answer is not waited for longer than for a command. Idempotent. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready' && (await quits(redis))) return;
  if (redis.status !== 'end') redis.disconnect();
}

/** False when the connection broke meanwhile or is silent: then there is nothing left to say good-bye to. */
function quits(redis: Redis): Promise<boolean> {
  return redis.quit().then(
    () => true,
    () => false,
  );
}

/** Twice as long each time, to a limit, and somewhere in the upper half of it: who lost it together comes back apart. */
function pauseMs(attempt: number): number {
  const longest = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(longest * (0.5 + Math.random() / 2));
}

function tellOutages(redis: Redis, log: Logger, name: string): void {
  const { host, port } = redis.options;
  const server = { connection: name, host, port };
  let state: 'new' | 'up' | 'away' = 'new';
  let reason: string | undefined;
  // The message alone: the error holds the command it came from, which may be AUTH with the password.
  redis.on('error', (error: NodeJS.ErrnoException) => (reason = error.message === '' ? error.code : error.message));
  hangUpOnSilence(redis, () => (reason = 'no answer'));
  redis.on('reconnecting', () => {
    if (state !== 'away') log.warn({ ...server, reason }, state === 'new' ? 'waiting for redis' : 'redis is away');
    state = 'away';
  });
  redis.on('ready', () => {
    log.info(server, state === 'away' ? 'redis is back' : 'connected to redis');
    state = 'up';
    reason = undefined;
  });
}

/** For a network that swallows everything. (ioredis's own `socketTimeout` outlives its socket and cuts the next one.) */
function hangUpOnSilence(redis: Redis, announce: () => void): void {
  let timer: NodeJS.Timeout | undefined;
  const listen = async (missed: number): Promise<void> => {
    const answered = await ping(redis).then(
      () => true,
      () => false,
    );
    if (redis.status !== 'ready') return;
    if (!answered && missed + 1 === MISSED_PINGS_MAX) {
      announce();
      redis.disconnect(true);
    } else schedule(answered ? 0 : missed + 1);
  };
  const schedule = (missed: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void listen(missed), PING_INTERVAL_MS).unref();
  };
  redis.on('ready', () => schedule(0));
  redis.on('close', () => clearTimeout(timer));
}

/** A patient connection has no time limit of its own. */
async function ping(redis: Redis): Promise<void> {
  const limit = new AbortController();
  const late = delay(COMMAND_TIMEOUT_MS, undefined, { signal: limit.signal, ref: false }).then(() => {
    throw new Error('Command timed out');
  });
  const answer = redis.ping();
  // What comes after the other has decided is nobody's concern.
  for (const either of [answer, late]) either.catch(() => undefined);
  try {
    await Promise.race([answer, late]);
  } finally {
    limit.abort();
  }
}
