import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { CLIENT_DIALECTS, conversation, looksComplete, streamedText, type ClientDialect } from './conversation';
import { UPSTREAM_DIALECTS } from './gateway-config';
import { open, readWhole, send } from './http-exchange';

/** Between one start and the next, so that the streams do not all tick at once. */
const START_INTERVAL_MS = 10;

export interface StreamEnd {
  key: string;
  dialect: ClientDialect;
  requestId: string;
  status: number;
  /** HTTP ended the body as it should. */
  complete: boolean;
  /** A client of the dialect takes it for a whole reply. */
  whole: boolean;
  digest: string;
  /** When it ended, on the clock of `performance`. */
  endedAtMs: number;
}

export interface OpenStream {
  prompt: string;
  end: Promise<StreamEnd>;
}

export interface ManyStreams {
  url: string;
  count: number;
  /** Each stream uses the next one. */
  keys: readonly string[];
  /** The model of an upstream dialect. */
  model: (upstream: string) => string;
}

/**
 * Opens them one shortly after the other, every prompt different: both client dialects over both upstream dialects, on
 * connections that are kept and on such that are not. Resolves when the head of every reply is there.
 */
export async function openStreams({ url, count, keys, model }: ManyStreams): Promise<OpenStream[]> {
  const opening: Promise<OpenStream>[] = [];
  for (let index = 0; index < count; index++) {
    const dialect = CLIENT_DIALECTS[index % 2] ?? 'chat';
    const upstream = UPSTREAM_DIALECTS[(index >> 1) % 2] ?? 'chat';
    const key = keys[(index >> 2) % keys.length] ?? '';
    const prompt = `stream ${index}`;
    const call = conversation(dialect, { model: model(upstream), key, text: prompt, stream: true });
    const agent = index % 3 === 0 ? new Agent({ keepAlive: true }) : undefined;
    opening.push(
      open(url, { ...call, ...(agent && { agent }) }).then((response) => {
        const end = readWhole(response).then((reply): StreamEnd => {
          agent?.destroy();
          return {
            ...{ key, dialect, status: reply.status, complete: reply.complete, endedAtMs: performance.now() },
            requestId: String(reply.headers['x-callmissed-request-id']),
            whole: looksComplete(dialect, reply.text),
            digest: digestOf(streamedText(dialect, reply.text)),
          };
        });
        return { prompt, end };
      }),
    );
    await delay(START_INTERVAL_MS);
  }
  return Promise.all(opening);
}

/** What the upstream itself, asked without a gateway or a stream, generates for a prompt. */
export async function upstreamDigest(upstreamUrl: string, model: string, prompt: string): Promise<string> {
  const reply = await send(upstreamUrl, conversation('chat', { model, key: 'any', text: prompt }));
  const body = JSON.parse(reply.text) as { choices: { message: { content: string } }[] };
  return digestOf(body.choices[0]?.message.content ?? '');
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
