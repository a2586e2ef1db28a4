/** Marks the text of a summary of ours in the place of OpenAI's encrypted one (a `compaction` item's `encrypted_content`). */
const PREFIX = 'sbsum.';

export function sealSummary(text: string): string {
  return PREFIX + Buffer.from(text).toString('base64url');
}

/** The text of the summary; undefined where it is not ours, and so for its provider alone to read. */
export function openSummary(sealed: string): string | undefined {
  return sealed.startsWith(PREFIX) ? Buffer.from(sealed.slice(PREFIX.length), 'base64url').toString('utf8') : undefined;
}
