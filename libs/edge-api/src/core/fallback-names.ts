import { GatewayError } from '@switchboard/contracts';
import { readJsonValue, type SniffedRequest } from '@switchboard/protocol';

/** A list without end would be a way to make one request try everything there is. */
const NAMES_MAX = 8;
const NONE: readonly string[] = [];

/**
 * Models that the client would rather have than an error, in its order: a header with names between commas, or `models` in
 * the body, as OpenRouter's clients send it. Without the one that is asked for anyway.
 */
export function fallbackNames(
  header: string | string[] | undefined,
  sniffed: SniffedRequest,
  body: Buffer,
): readonly string[] | GatewayError {
  const { models } = sniffed.spans;
  if (header === undefined && models === undefined) return NONE;
  const inHeader = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((name) => name.trim());
  const inBody = models === undefined ? null : readJsonValue(body, models);
  if (inBody !== null && !isNames(inBody)) {
    return new GatewayError('invalid_parameter', 'models: must be an array of model names', { param: 'models' });
  }
  const names = [...inHeader, ...(inBody ?? [])].filter((name) => name !== '' && name !== sniffed.model);
  return names.length <= NAMES_MAX
    ? [...new Set(names)]
    : new GatewayError('invalid_parameter', `models: at most ${NAMES_MAX} fallbacks may be named`, { param: 'models' });
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
