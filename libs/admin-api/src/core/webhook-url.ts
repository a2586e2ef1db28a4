import { refusePrivateBaseUrl } from '@switchboard/platform';

/** `url`: without its query, which has its question mark and may hold a token. */
export type CheckedUrl = { ok: true; url: string; query: string } | { ok: false; fault: string };

/** The fault does not repeat the URL. Names are looked up, and judged once more, when they are connected to. */
export function checkWebhookUrl(written: string, { trustedNetwork }: { trustedNetwork: boolean }): CheckedUrl {
  const refuse = (fault: string): CheckedUrl => ({ ok: false, fault });
  if (!URL.canParse(written)) return refuse('must be a URL');
  const url = new URL(written);
  if (url.protocol !== 'https:' && !(trustedNetwork && url.protocol === 'http:')) {
    return refuse('must start with https:// (or http:// with trustedNetwork)');
  }
  if (url.username !== '' || url.password !== '') return refuse('must not hold credentials');
  if (url.hash !== '') return refuse('must not have a fragment');
  const refusal = refusePrivateBaseUrl(url, { trustedNetwork, standalone: false });
  return refusal === undefined ? { ok: true, url: url.origin + url.pathname, query: url.search } : refuse(refusal);
}
