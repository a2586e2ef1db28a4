import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { clientOf, DIALECT_IDS, readFixtures, readRows, upstreamOf, type Fixture } from './__fixtures__/corpus-case';
import { fidelityPage, pairOf, type Judged } from './__fixtures__/corpus-page';
import { goldenOf, holdsEnvelope, sendRequest, translate, type Outcome } from './__fixtures__/corpus-translate';
import { judge, type MarkVerdict } from './__fixtures__/corpus-verdict';
import { READ_WITH_SDK } from './__fixtures__/sdk-clients';
import type { JsonObject } from './json';

const PAGE = path.join(__dirname, '../../../docs/fidelity.md');

/** `npm run corpus`: what comes out now becomes what must come out. What is lost without a word still fails. */
const UPDATE = process.env['UPDATE_CORPUS'] === '1';

const fixtures = readFixtures();
const judged: Judged[] = [];

function nameOf({ of, kind, from, to }: Fixture): string {
  return `${of.row}/${of.name}: ${kind} from ${from} to ${to}`;
}

/** A failed stream reads as the error that the SDK throws. */
async function viewOf({ to }: Fixture, { body, sse }: Outcome): Promise<JsonObject | undefined> {
  if (sse === undefined) return body;
  try {
    return await READ_WITH_SDK[to]([Buffer.from(sse)]);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { raised: error.message };
  }
}

describe('golden corpus', () => {
  it.each(fixtures.map((fixture) => [nameOf(fixture), fixture] as const))('%s', async (_, fixture) => {
    const outcome = translate(fixture);
    const verdicts = judge(fixture, outcome, await viewOf(fixture, outcome));
    judged.push({ fixture, verdicts });
    if (fixture.from === fixture.to && !holdsEnvelope(fixture)) expectAllCarried(verdicts);
    if (UPDATE) {
      mkdirSync(path.dirname(fixture.goldenPath), { recursive: true });
      writeFileSync(fixture.goldenPath, goldenOf(outcome));
    } else expect(goldenOf(outcome)).toBe(readFileSync(fixture.goldenPath, 'utf8'));
  });

  const again = fixtures.filter(({ kind, from, to }) => kind === 'request' && from === to);
  it.each(again.map((fixture) => [nameOf(fixture), fixture] as const))('%s, decoded and encoded', (_, fixture) => {
    const outcome = sendRequest(fixture);
    judge(fixture, outcome, outcome.body);
  });

  it('holds at least 300 fixtures, and each row for every pair in which it can occur', () => {
    expect(fixtures.length).toBeGreaterThanOrEqual(300);
    const pairs = DIALECT_IDS.flatMap((client) => DIALECT_IDS.map((upstream) => pairOf(client, upstream)));
    const missing = readRows().flatMap(({ folder, never = {} }) => {
      const held = fixtures.filter(({ of }) => of.row === folder);
      const covered = new Set(held.map((fixture) => pairOf(clientOf(fixture), upstreamOf(fixture))));
      return pairs.filter((pair) => covered.has(pair) === pair in never).map((pair) => `${folder}: ${pair}`);
    });
    expect(missing).toEqual([]);
  });

  it('is what docs/fidelity.md says', () => {
    const page = fidelityPage(judged);
    if (UPDATE) writeFileSync(PAGE, page);
    else expect(page).toBe(readFileSync(PAGE, 'utf8'));
  });
});

function expectAllCarried(verdicts: readonly MarkVerdict[]): void {
  expect(verdicts.filter(({ verdict }) => verdict !== 'carried')).toEqual([]);
}
