import type { DocumentPart, MediaSource } from '../../conversation';

/** Media runs to megabytes: cut by position, never by an expression over the whole. */
export function readMediaUrl(url: string): MediaSource | undefined {
  if (/^https?:\/\//i.test(url.slice(0, 8))) return { type: 'url', url };
  if (url.slice(0, 5).toLowerCase() !== 'data:') return undefined;
  const comma = url.indexOf(',');
  const [mediaType = '', ...attributes] = url.slice(5, comma).split(';');
  if (comma < 0 || mediaType === '' || attributes.at(-1)?.toLowerCase() !== 'base64') return undefined;
  return { type: 'base64', mediaType, data: url.slice(comma + 1) };
}

/** The bytes of a plain text as the text they are. */
export function documentSource(source: MediaSource): DocumentPart['source'] {
  if (source.type !== 'base64' || source.mediaType !== 'text/plain') return source;
  return { type: 'text', mediaType: source.mediaType, text: Buffer.from(source.data, 'base64').toString('utf8') };
}

export function dataUrl({ mediaType, data }: { mediaType: string; data: string }): string {
  return `data:${mediaType};base64,${data}`;
}
