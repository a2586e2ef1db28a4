import { readCredentials, type Header } from './authenticate';

/** Of a request's body; NATS carries messages of 1 MB, and escaped this is up to 384 KiB. */
const PROMPT_BYTES_MAX = 64 * 1024;
const TEXT_CHARACTERS_MAX = 512;
const REDACTED = '[credential]';
/** What is shorter is no key, but may well be a word of any text. */
const CREDENTIAL_CHARACTERS_MIN = 8;

/** What a request was authenticated with, as it came: none of it may be in what is told of the call. */
export function credentialsOf(headers: Readonly<Record<string, Header>>): string[] {
  const { apiKey, bearer } = readCredentials(headers['x-api-key'], headers['authorization']);
  return [apiKey, bearer].filter((one) => one !== undefined && one.length >= CREDENTIAL_CHARACTERS_MIN) as string[];
}

/** A text that the client chose, short and without its credentials. */
export function loggedText(text: string, credentials: readonly string[]): string {
  return withoutCredentials(text, credentials).slice(0, TEXT_CHARACTERS_MAX);
}

/** `body`: UTF-8. */
export function loggedPrompt(
  body: Buffer,
  credentials: readonly string[],
): { prompt: string; promptTruncated?: boolean } {
  if (body.length <= PROMPT_BYTES_MAX) return { prompt: withoutCredentials(body.toString('utf8'), credentials) };
  const head = body.toString('utf8', 0, endOfHead(body, credentials));
  return { prompt: withoutCredentials(head, credentials), promptTruncated: true };
}

/** Between two characters, and not within a credential: half of one would not be found. */
function endOfHead(body: Buffer, credentials: readonly string[]): number {
  let end = PROMPT_BYTES_MAX;
  while ((body[end] ?? 0) >> 6 === 0b10) end--;
  for (const credential of credentials) {
    const bytes = Buffer.byteLength(credential);
    const from = end - bytes + 1;
    const at = body.subarray(from, end + bytes - 1).indexOf(credential);
    if (at !== -1) end = from + at;
  }
  return end;
}

function withoutCredentials(text: string, credentials: readonly string[]): string {
  return credentials.reduce((rest, credential) => rest.replaceAll(credential, REDACTED), text);
}
