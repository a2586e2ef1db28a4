import type { DocumentPart, OpaquePart, Part } from '../../conversation';
import type { Encoding } from './encoding';
import { documentHeading } from './labels';

/** The API wants a name beside the bytes. */
export const UNTITLED = 'document.pdf';

/** Files that OpenAI itself keeps; ids of other providers mean nothing there. */
export const OPENAI_FILE_ID = /^file-/;

/** A part and where it stands, for losses and refusals. */
export interface PlacedPart {
  part: Part;
  path: string;
}

export function place(parts: readonly Part[], path: string): PlacedPart[] {
  return parts.map((part, index) => ({ part, path: `${path}[${index}]` }));
}

export function loseOpaque({ wire }: OpaquePart, path: string, encoding: Encoding): void {
  encoding.lose(`block.${typeof wire.type === 'string' ? wire.type : 'unknown'}`, path);
}

/** A document made of parts, as its parts: its heading becomes one more text. Other documents have none. */
export function unwrapDocument(document: DocumentPart, path: string): PlacedPart[] {
  if (document.source.type !== 'parts') return [];
  const heading = documentHeading(document).trimEnd();
  const inner = place(document.source.parts, `${path}.source.content`);
  return heading === '' ? inner : [{ part: { type: 'text', text: heading }, path }, ...inner];
}

export function loseDocumentExtras(document: DocumentPart, path: string, encoding: Encoding): void {
  encoding.loseExtras(document, path);
  if (document.citations) encoding.lose('citations', `${path}.citations`);
}

/** Documents made of parts may hold images, which must stand apart from the texts. */
export function unwrapDocuments(entry: PlacedPart, encoding: Encoding): PlacedPart[] {
  if (entry.part.type !== 'document' || entry.part.source.type !== 'parts') return [entry];
  loseDocumentExtras(entry.part, entry.path, encoding);
  return unwrapDocument(entry.part, entry.path).flatMap((inner) => unwrapDocuments(inner, encoding));
}
