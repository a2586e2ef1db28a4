import { pathOf, type BenchDialect } from './dialect';

/** What the benchmark's gateway.yaml calls the upstream of each dialect. */
export const modelServedBy: Readonly<Record<BenchDialect, string>> = {
  anthropic: 'bench/anthropic',
  chat: 'bench/chat',
};

export const benchKey = 'cm_test_benchbenchbenchbenchbenchbench';

const system = 'You are a careful assistant. Answer briefly, and say so when you do not know.';
// Prose and code, as prompts are: quotes, newlines and backslashes make a scanner work for its speed.
const turn = [
  'Please look at this function and tell me why it returns "undefined" for the last line of a file:\n',
  '```ts\nexport function last(path: string) {\n\tconst lines = readFileSync(path, "utf8").split("\\n");\n',
  '\treturn lines[lines.length];\n}\n```\nIt worked yesterday; naïve as I am, I changed nothing. ',
].join('');

/** Who calls, and for what. */
export interface Caller {
  /** An API key; absent: `benchKey`. */
  key?: string;
  /** As gateway.yaml calls it; absent: the one of the upstream's dialect. */
  model?: string;
  /** Further header lines. */
  headersFor?: (upstream: BenchDialect) => readonly string[];
}

interface Request extends Caller {
  client: BenchDialect;
  upstream: BenchDialect;
  /** Of the JSON body; met within a hundred bytes. */
  bodyBytes: number;
  streaming: boolean;
}

/** Turns of two kilobytes at most, so that a large body is a long conversation and not one string. */
function conversation(textBytes: number): { role: 'user' | 'assistant'; content: string }[] {
  const turnBytes = 2048;
  const turns = [];
  for (let left = textBytes; left > 0; left -= turnBytes) {
    const role: 'user' | 'assistant' = turns.length % 2 === 0 ? 'user' : 'assistant';
    const length = Math.min(left, turnBytes);
    turns.push({ role, content: turn.repeat(Math.ceil(length / turn.length)).slice(0, length) });
  }
  // A conversation ends with the user's turn in every dialect.
  return turns.length % 2 === 1 ? turns : [...turns, { role: 'user', content: 'And now?' }];
}

function bodyOf({ client, upstream, streaming, model = modelServedBy[upstream] }: Request, textBytes: number): string {
  const turns = conversation(textBytes);
  return client === 'anthropic'
    ? JSON.stringify({ model, max_tokens: 1024, ...(streaming ? { stream: true } : {}), system, messages: turns })
    : JSON.stringify({
        model,
        max_tokens: 1024,
        ...(streaming ? { stream: true, stream_options: { include_usage: true } } : {}),
        messages: [{ role: 'system', content: system }, ...turns],
      });
}

/** The JSON body. Escapes make it longer than its text, so the text is shortened until the body fits. */
export function requestBody(request: Request): Buffer {
  let textBytes = request.bodyBytes;
  for (;;) {
    const body = Buffer.from(bodyOf(request, textBytes));
    const excess = body.length - request.bodyBytes;
    if (excess <= 0) return body;
    textBytes -= Math.ceil(excess / 2);
  }
}

/** The whole HTTP/1.1 request, headers as the SDKs send them, to be written to a socket as it is. */
export function wireRequest(request: Request, port: number): Buffer {
  const body = requestBody(request);
  const { key = benchKey } = request;
  const headers = [
    `POST ${pathOf[request.client]} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'accept: application/json',
    'content-type: application/json',
    'user-agent: switchboard-bench/1',
    request.client === 'anthropic' ? `x-api-key: ${key}` : `authorization: Bearer ${key}`,
    ...(request.client === 'anthropic' ? ['anthropic-version: 2023-06-01'] : []),
    ...(request.headersFor?.(request.upstream) ?? []),
    `content-length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${headers.join('\r\n')}\r\n\r\n`), body]);
}
