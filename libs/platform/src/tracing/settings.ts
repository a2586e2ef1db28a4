import { z } from 'zod';

const optionalUrl = z
  .url({ protocol: /^https?$/, error: 'must be http://host:port or https://host:port' })
  .refine((url) => {
    const { username, password } = new URL(url);
    return username === '' && password === '';
  }, 'must not hold credentials: use OTEL_EXPORTER_OTLP_HEADERS')
  .optional();

/** `name=value,name=value`, percent-encoded, as OpenTelemetry writes lists. What is wrong is told without a value. */
const keyValueList = z
  .string()
  .optional()
  .transform((list, context) => {
    const entries: Record<string, string> = {};
    for (const item of (list ?? '').split(',')) {
      if (item.trim() === '') continue;
      const equals = item.indexOf('=');
      const name = decoded(item.slice(0, Math.max(0, equals)));
      const value = decoded(item.slice(equals + 1));
      if (name === undefined || name === '' || value === undefined) {
        context.addIssue({
          code: 'custom',
          message: 'must be name=value, several separated by commas, percent-encoded',
        });
        return z.NEVER;
      }
      entries[name] = value;
    }
    return entries;
  });

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

/** OpenTelemetry's own variables, of every service. Without an endpoint there are no traces, and nothing of the SDK is loaded. */
export const tracingSettings = {
  /** Of a collector; `/v1/traces` is added. */
  OTEL_EXPORTER_OTLP_ENDPOINT: optionalUrl,
  /** The whole URL, instead. */
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: optionalUrl,
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/protobuf', 'http/json']).default('http/protobuf'),
  /** Credentials of the collector: a secret. */
  OTEL_EXPORTER_OTLP_HEADERS: keyValueList,
  /** Absent: the service's own name. */
  OTEL_SERVICE_NAME: z.string().trim().min(1).optional(),
  OTEL_RESOURCE_ATTRIBUTES: keyValueList,
  /** Share of calls that are traced whatever becomes of them, where their client has not decided: 0 to 1. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(0.01),
  /** Milliseconds for which finished spans wait for others. */
  OTEL_BSP_SCHEDULE_DELAY: z.coerce.number().int().positive().default(5_000),
};

export type TracingSettings = z.output<z.ZodObject<typeof tracingSettings>>;

/** Of a process that serves calls itself: these are traced beside the share, for they are what is looked for. */
export const slowCallSettings = {
  /** A streamed reply whose first token took longer. */
  TRACE_SLOW_FIRST_TOKEN_MS: z.coerce.number().int().positive().default(10_000),
  /** A whole reply, not streamed, that took longer. */
  TRACE_SLOW_REPLY_MS: z.coerce.number().int().positive().default(60_000),
};

/** Undefined: there are no traces. */
export function tracesEndpoint(
  settings: Pick<TracingSettings, 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'>,
): string | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole } = settings;
  if (whole !== undefined) return whole;
  return base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`;
}
