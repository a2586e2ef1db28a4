import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { guardedLookup, PrivateAddressError, refusalOfLiteral } from '@switchboard/platform';

export interface Posting {
  url: URL;
  /** It may be in a private network. */
  trustedNetwork: boolean;
  headers: Record<string, string>;
  body: string;
}

/** `status`: absent where there was no answer. `error`: absent where it was taken; of an answer how it begins. */
export interface PostingResult {
  status?: number;
  error?: string;
}

const TIMEOUT_MS = 10_000;
const ERROR_CHARACTERS_MAX = 200;
/** Enough for as many characters of any script. */
const READ_BYTES_MAX = 4 * ERROR_CHARACTERS_MAX;
const LATE = `no answer within ${TIMEOUT_MS / 1000} s`;

/**
 * Posts once, over a connection of its own, following no redirect. Names that lead into a private network, and addresses
 * there, are not connected to unless that is meant.
 *
 * @throws the reason of `signal` when that aborts; nothing else.
 */
export async function post(posting: Posting, signal: AbortSignal): Promise<PostingResult> {
  const rule = { trustedNetwork: posting.trustedNetwork, allowLoopback: false };
  if (refusalOfLiteral(posting.url.hostname, rule) !== undefined) return { error: PRIVATE };
  const late = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await answered(posting, AbortSignal.any([signal, late]));
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) {
      response.destroy();
      return { status };
    }
    const text = await beginningOf(response).catch(() => '');
    return { status, error: text === '' ? `it answered ${status}` : text };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return { error: late.aborted ? LATE : reasonOf(error) };
  }
}

function answered({ url, trustedNetwork, headers, body }: Posting, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const lookup = guardedLookup({ trustedNetwork, allowLoopback: false });
    const length = { 'content-length': Buffer.byteLength(body) };
    send(url, { method: 'POST', agent: false, headers: { ...headers, ...length }, lookup, signal }, resolve)
      .on('error', reject)
      .end(body);
  });
}

async function beginningOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the response, and its connection with it.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= READ_BYTES_MAX) break;
  }
  return clean(Buffer.concat(chunks).toString('utf8'));
}

const PRIVATE = 'its address is in a private network';

/** In words that tell its owner nothing of the network we are in. */
function reasonOf(error: unknown): string {
  if (error instanceof PrivateAddressError) return PRIVATE;
  const { code, message } = error as NodeJS.ErrnoException;
  return clean(code ?? message);
}

/** Postgres text holds neither NUL nor half a surrogate pair. */
function clean(text: string): string {
  return text
    .slice(0, ERROR_CHARACTERS_MAX)
    .replace(/\0|\p{Surrogate}/gu, '\uFFFD')
    .trim();
}
