import type { DialectId } from '../dialect';
import { clientOf, DIALECT_IDS, readRows, upstreamOf, type CorpusRow, type Fixture } from './corpus-case';
import type { MarkVerdict, Verdict } from './corpus-verdict';

export interface Judged {
  fixture: Fixture;
  verdicts: MarkVerdict[];
}

const VERDICTS: readonly Verdict[] = ['carried', 'converted', 'loss', 'refused'];

export const DIALECT_NAMES: Record<DialectId, string> = {
  'anthropic-messages': 'Messages',
  'openai-chat': 'Chat',
  'openai-responses': 'Responses',
};

const PREFACE = `# What translation keeps

A client of any of three dialects may be served by an upstream of any of them: nine pairs. For everything that is known to get lost
between such dialects, this page says what becomes of it here. It is made from the golden corpus
(\`libs/protocol/src/__fixtures__/corpus\`) by its tests: every word of a table is what the code does, and a test fails where the two differ.
\`npm run corpus\` writes the golden outputs and this page again; look at the difference before you commit it.

- **carried**: the target dialect has its own word for it, and that is what is sent.
- **converted**: it is said in another form, which the model or the client can still read. What cannot be undone is reported, and named here.
- **loss**: it is left out, and reported by the name given here: in the header \`x-<slug>-translation-loss\`, in the usage record, and with
  \`x-<slug>-translation: strict\` as the reason why the request is refused before any call.
- **refused**: to leave it out would change the meaning, so the request gets an error that names it, before any call.
- **—**: the client's dialect (for requests) or the upstream's (for replies) has no word for it.

Nothing is left out without a word: a mark of the corpus that is neither found in the output nor named in a loss or a refusal fails the
tests. Between two of the same dialect the bytes pass as they are, but for the model's name and the members of \`usage\` that the gateway adds.

A pair is written _client over upstream_. Requests are translated from the client's dialect to the upstream's, replies and streams back; streams are read
with the client's own SDK.
`;

export function pairOf(client: DialectId, upstream: DialectId): string {
  return `${DIALECT_NAMES[client]} over ${DIALECT_NAMES[upstream]}`;
}

const PAIRS = DIALECT_IDS.flatMap((client) => DIALECT_IDS.map((upstream) => ({ client, upstream })));

/** docs/fidelity.md */
export function fidelityPage(judged: readonly Judged[]): string {
  const rows = readRows();
  const count = judged.length;
  const inputs = new Set(judged.map(({ fixture: { of, kind, from } }) => `${of.row}/${of.name}/${kind}/${from}`)).size;
  const cases = new Set(judged.map(({ fixture: { of } }) => `${of.row}/${of.name}`)).size;
  const overview = rows.map((row) => [row.title, ...PAIRS.map((pair) => cell(of(judged, row, pair)) || '—')]);
  return [
    PREFACE,
    `## The rows\n\n${count} fixtures: ${inputs} requests, replies and streams of ${cases} cases, each for three dialects.\n`,
    table(['', ...PAIRS.map(({ client, upstream }) => pairOf(client, upstream))], overview),
    ...rows.map((row) => `## ${row.title}\n\n${details(judged, row)}`),
  ].join('\n');
}

function details(judged: readonly Judged[], row: CorpusRow): string {
  const pairs = PAIRS.filter(({ client, upstream }) => client !== upstream);
  const lines = new Set(
    judged
      .filter(({ fixture }) => fixture.of.row === row.folder)
      .flatMap(({ verdicts }) => verdicts.map(({ what }) => what)),
  );
  return table(
    ['', ...pairs.map(({ client, upstream }) => pairOf(client, upstream))],
    [...lines].map((what) => [
      what,
      ...pairs.map(
        (pair) =>
          cell(
            of(judged, row, pair).filter((verdict) => verdict.what === what),
            true,
          ) || '—',
      ),
    ]),
  );
}

function of(judged: readonly Judged[], row: CorpusRow, pair: (typeof PAIRS)[number]): MarkVerdict[] {
  return judged
    .filter(({ fixture }) => fixture.of.row === row.folder)
    .filter(({ fixture }) => clientOf(fixture) === pair.client && upstreamOf(fixture) === pair.upstream)
    .flatMap(({ verdicts }) => verdicts);
}

function cell(verdicts: readonly MarkVerdict[], named = false): string {
  return VERDICTS.flatMap((word) => {
    const those = verdicts.filter(({ verdict }) => verdict === word);
    if (those.length === 0) return [];
    const features = [...new Set(those.flatMap((verdict) => verdict.features))];
    return [
      named && features.length > 0 ? `${word} (${features.map((feature) => `\`${feature}\``).join(', ')})` : word,
    ];
  }).join(', ');
}

/** Columns as wide as the formatter makes them. */
function table(head: string[], lines: string[][]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...lines].map((line) => (line[column] ?? '').length)));
  const written = (line: string[]): string =>
    `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  return written(head) + written(widths.map((width) => '-'.repeat(width))) + lines.map(written).join('');
}
