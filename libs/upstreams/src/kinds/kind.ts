import type { Provider } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';

/** By lower-case name, as node:http and undici give them. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What the providers of one kind do in their own way. Nothing in it remembers anything. */
export interface UpstreamKind {
  readonly dialect: DialectId;
  /** Where a provider is that does not say; absent: each has to say. */
  readonly defaultBaseUrl?: string;
  /** What a base URL without trailing slash must be, for whoever wrote it ("must end in /v1"); undefined: it is fine. */
  baseUrlFault(baseUrl: string): string | undefined;
  /** Path of the inference endpoint on the provider's host, with a query where it needs one. */
  inferencePath(provider: Pick<Provider, 'baseUrl' | 'apiVersion'>, model: string): string;
  /** A query would be refused or change the version of the API: a client's is not passed on. */
  readonly ownsQuery?: true;
  /** Name and value of the header that carries the credential. */
  credential(apiKey: string): readonly [name: string, value: string];
  /** Adds what one call needs beside the constant headers, flat names and values. `client`: of one of the same dialect. */
  addCallHeaders?(headers: string[], client: HttpHeaders | undefined): void;
  /** The member that limits the output, where the client named none. */
  readonly outputLimit: 'max_completion_tokens' | 'max_tokens';
  /** Its replies may lack what clients of the dialect need, even where they are passed on as they come. */
  readonly repairsReplies?: true;
  /** Takes the free-text tools (`custom`) of its dialects; servers that only imitate them know functions. */
  readonly takesCustomTools?: true;
  /** What a GET without credential tells its life by, below the base URL: small, and below 500 whoever asks. */
  probePath(baseUrl: string): string;
  /** Share of the account's limits that a reply says is left, 0 to 1, of several the smallest; undefined: it says nothing. */
  quotaLeft(headers: HttpHeaders): number | undefined;
  /** How long a refusal asks to wait, milliseconds from `nowMs` (epoch); undefined: it does not say. */
  retryAfterMs(headers: HttpHeaders, nowMs: number): number | undefined;
}

/** Path of the base URL on its host, without trailing slash. */
export function basePath(baseUrl: string): string {
  return new URL(baseUrl).pathname.replace(/\/+$/, '');
}
