import type { DialectId } from '@switchboard/protocol';
import type { UpstreamFailure } from './upstream-failure';

/**
 * Whether a request may do something beside answering that must not be done twice: tools that the upstream itself runs,
 * and replies that it is to keep. Read from the bytes: a word too many costs a retry, a word too few a second side effect.
 */
const MARKS = [
  ...['web_search', 'web_fetch', 'code_execution', 'mcp_servers'],
  ...['code_interpreter', 'file_search', 'image_generation', 'programmatic_tool_calling', '"shell"', '"mcp"'],
].map((mark) => Buffer.from(mark));
const STORED = [Buffer.from('"store":true'), Buffer.from('"store": true')];

export function mayHaveSideEffects(body: Buffer, hasTools: boolean, dialect: DialectId): boolean {
  // Tools stand among the items, too, and every reply is kept unless asked not to: one too many that nobody knows of.
  if (dialect === 'openai-responses') return MARKS.some((mark) => body.includes(mark));
  return STORED.some((mark) => body.includes(mark)) || (hasTools && MARKS.some((mark) => body.includes(mark)));
}

/** The upstream did nothing: it was not reached, or said that it would not. */
export function didNothing({ kind, status }: UpstreamFailure): boolean {
  if (kind === 'connect' || kind === 'saturated') return true;
  return kind === 'rejected' && status !== undefined && (status < 500 || status === 503 || status === 529);
}
