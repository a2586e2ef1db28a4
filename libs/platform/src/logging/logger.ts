import pino, { type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  '["x-api-key"]',
  '["api-key"]',
  'cookie',
  'apiKey',
  'api_key',
  'adminToken',
  'password',
  'databaseUrl',
];

/** A secret field is redacted at the top of an entry and up to three objects deep (`{ request: { headers: … } }`). */
const SECRET_PATHS = ['', '*', '*.*', '*.*.*'].flatMap((parent) =>
  SECRET_FIELDS.map((field) =>
    parent === '' ? field : field.startsWith('[') ? `${parent}${field}` : `${parent}.${field}`,
  ),
);

/**
 * One JSON object per line on standard output (or `destination`), times in RFC 3339. Credentials under their usual names
 * are replaced; request and reply bodies are never to be logged at all.
 */
export function createLogger(
  options: { level: LogLevel; name: string },
  destination: DestinationStream = pino.destination(1),
): Logger {
  return pino(
    {
      level: options.level,
      name: options.name,
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}
