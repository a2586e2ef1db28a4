import type { CallFrame } from './cpu-profile';

/** Where time goes, in the order of a request's way; the last four are nobody's in particular. */
export const STAGES = [
  'node:http, both ways',
  'sockets and streams',
  'writes to sockets (kernel)',
  'undici',
  'body: sniff and checks',
  'key: hash and lookup',
  'plan and pick',
  'admission',
  'translation',
  'reply tap',
  'reply: headers and writing',
  'attempt and relay',
  'spool and usage',
  'NATS client',
  'metrics',
  'tracing',
  'logging',
  'handler, the rest',
  'event loop and timers',
  'garbage collection',
  'native, reads from sockets (kernel)',
  'other',
] as const;
export type Stage = (typeof STAGES)[number];

/** The first that fits; paths of our own are those of what is built. */
const byPath: readonly (readonly [RegExp, Stage])[] = [
  [/^node:(_http|internal\/http)/, 'node:http, both ways'],
  [/^node:(net|stream|internal\/streams|internal\/stream_base|_stream)/, 'sockets and streams'],
  [/^node:(timers|async_hooks|internal\/(timers|process|async_hooks|async_context))/, 'event loop and timers'],
  [/\/node_modules\/undici\//, 'undici'],
  [/\/node_modules\/(@nats-io|nats)\//, 'NATS client'],
  [/\/node_modules\/@opentelemetry\//, 'tracing'],
  [/\/node_modules\/prom-client\//, 'metrics'],
  [/\/node_modules\/(pino|sonic-boom|thread-stream)\b/, 'logging'],
  [/\/libs\/protocol\/dist\/(sniff|json)/, 'body: sniff and checks'],
  [/\/libs\/protocol\/dist\/dialects\/[^/]+\/(findings|request|json-extent)\.js/, 'body: sniff and checks'],
  [/\/libs\/protocol\/dist\/(dialects\/[^/]+\/(.*tap.*|frame-scan|usage)|sse\/frame-scanner)\.js/, 'reply tap'],
  [/\/libs\/protocol\/dist\//, 'translation'],
  [/\/libs\/upstreams\/dist\//, 'plan and pick'],
  [/\/libs\/rate-limit\/dist\//, 'admission'],
  [/\/libs\/metering\/dist\//, 'spool and usage'],
  [/\/libs\/contracts\/dist\/(usage-event|records?|record-fields)/, 'spool and usage'],
  [/\/libs\/contracts\/dist\/limiter/, 'admission'],
  [/\/libs\/platform\/dist\/bus\//, 'NATS client'],
  [/\/libs\/platform\/dist\/metrics\//, 'metrics'],
  [/\/libs\/platform\/dist\/tracing\//, 'tracing'],
  [/\/libs\/platform\/dist\/logging\//, 'logging'],
  [/\/libs\/platform\/dist\/secrets\//, 'key: hash and lookup'],
  [/\/libs\/platform\/dist\/catalog\//, 'plan and pick'],
  [
    /\/libs\/edge-api\/dist\/.*(request-body|check-request|inference-request|insert-members|capability)/,
    'body: sniff and checks',
  ],
  [
    /\/libs\/edge-api\/dist\/.*(authenticate|held-keys|access\.|key-(directory|entries|lookup|revalidation))/,
    'key: hash and lookup',
  ],
  [
    /\/libs\/edge-api\/dist\/.*(admissions|reservation|settlement|account-line|spending|worst-case|affordable|estimate)/,
    'admission',
  ],
  [/\/libs\/edge-api\/dist\/.*(usage-record|attempt-record|logged-call|call-texts)/, 'spool and usage'],
  [/\/libs\/edge-api\/dist\/.*(plan|prepare-call|registry|affinity|routing|call-intent|routes)/, 'plan and pick'],
  [
    /\/libs\/edge-api\/dist\/.*(reply-headers|limit-headers|reply-writer|buffered-reply|own-marks)/,
    'reply: headers and writing',
  ],
  [/\/libs\/edge-api\/dist\/.*(upstream-|attempt|relay|exchange)/, 'attempt and relay'],
  [/\/libs\/edge-api\/dist\/.*metrics/, 'metrics'],
  [/\/libs\/edge-api\/dist\/.*trac/, 'tracing'],
  [/\/(libs|apps)\/edge-api\/dist\//, 'handler, the rest'],
  [/\/bench\/dist\/subjects\/bare-proxy-main\.js/, 'handler, the rest'],
];

const byNativeName: ReadonlyMap<string, Stage> = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'native, reads from sockets (kernel)'],
  ...['writev', 'writeBuffer', 'writeUtf8String', 'writeLatin1String', 'writeAsciiString', 'shutdown'].map(
    (name) => [name, 'writes to sockets (kernel)'] as const,
  ),
]);

/** What a frame is about, by itself; undefined: it works for whoever called it (`Buffer.indexOf`, `emit`, a hash). */
export function stageOf({ functionName, url }: CallFrame): Stage | undefined {
  if (url === '') return byNativeName.get(functionName);
  return byPath.find(([pattern]) => pattern.test(url))?.[1];
}
