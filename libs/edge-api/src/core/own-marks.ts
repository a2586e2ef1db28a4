import type { DialectId } from '@switchboard/protocol';

/** What an API cannot read though its client sends it: signatures of another provider in our envelope, and summaries of ours. */
const FOREIGN: Readonly<Record<DialectId, Buffer | undefined>> = {
  'anthropic-messages': Buffer.from('"sbsig.openai-'),
  'openai-responses': Buffer.from('"sbsig.anthropic-'),
  // It has no signatures.
  'openai-chat': undefined,
};
const COMPACTION = Buffer.from('"compaction"');
const OUR_SUMMARY = Buffer.from('"sbsum.');

/**
 * Whether the gateway itself wrote something in a body that only the gateway reads: then it must not pass through as it is,
 * even to an upstream of its own dialect. Text that only looks so costs a translation. For bodies with a string that begins as
 * our envelopes do: through escaped source code a search takes 90 µs for 200 KB.
 */
export function holdsOwnMarks(body: Buffer, dialect: DialectId): boolean {
  const foreign = FOREIGN[dialect];
  if (foreign !== undefined && body.includes(foreign)) return true;
  return dialect === 'openai-responses' && body.includes(COMPACTION) && body.includes(OUR_SUMMARY);
}
