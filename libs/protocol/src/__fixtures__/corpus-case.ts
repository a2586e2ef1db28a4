import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { DialectId, RequestTarget } from '../dialect';
import { DIALECTS } from '../dialects/registry';
import type { JsonObject, JsonValue } from '../json';

/**
 * The golden corpus, `corpus/<row>/<case>/`:
 *
 *     case.json                    what to look for, see `CorpusCase`
 *     <client>.request.json        the same request as the client of each dialect writes it
 *     <upstream>.reply.json        the same reply as each upstream writes it
 *     <upstream>.stream.sse        and streamed
 *     golden/<from>-to-<to>.…      what comes out, one file for each input and pair
 *
 * A dialect that cannot say the thing has no file.
 */
const ROOT = path.join(__dirname, 'corpus');

export const DIALECT_IDS = Object.keys(DIALECTS) as DialectId[];

export type Kind = 'request' | 'reply' | 'stream';

const EXTENSIONS: Record<Kind, string> = { request: 'request.json', reply: 'reply.json', stream: 'stream.sse' };

/**
 * Where to find a mark: a path (`messages[*].content`) to a text that holds it or to the value itself; or a path and the value
 * that must stand there. Several: any of them. A reply's stream is looked at as the client's SDK puts it together.
 */
export type Place = string | { at: string; is: JsonValue } | { at: string; has: string } | Place[];

/** One thing that must not be lost, and how each dialect says it. */
export interface Mark {
  /** A line of the table. */
  what: string;
  /** Unique in the case. Only what places with a value look for has none. */
  mark?: JsonValue;
  /** Of the kinds of input it stands in; absent: of all. */
  in?: Kind[];
  /** The target dialect's own word for it. */
  carried: Partial<Record<DialectId, Place>>;
  /** Said in another form, that a model or a person can still read. */
  converted?: Partial<Record<DialectId, Place>>;
  /** Features of which a reported loss accounts for it. */
  lost?: string[];
  /** What the fault says that refuses the request. */
  refused?: string;
  /** Not a word of these source dialects: it has nothing to lose. */
  notFrom?: DialectId[];
  /** Only where the dialects differ. */
  notSame?: true;
}

export interface CorpusCase {
  row: string;
  name: string;
  title: string;
  /** What differs of a target that takes everything. */
  target?: Partial<RequestTarget>;
  /** The stop sequences that the reply's request had. */
  stopSequences?: string[];
  /** The tool names that the reply's request had to shorten: as sent → the client's own. */
  toolNames?: Record<string, string>;
  marks: Mark[];
}

export interface CorpusRow {
  folder: string;
  title: string;
  /** Pairs (`<client> over <upstream>`) in which the row cannot occur, and why. */
  never?: Record<string, string>;
}

/** One input with its golden output for one pair. Requests go from the client's dialect to the upstream's, replies back. */
export interface Fixture {
  of: CorpusCase;
  kind: Kind;
  from: DialectId;
  to: DialectId;
  input: Buffer;
  goldenPath: string;
}

export function clientOf({ kind, from, to }: Fixture): DialectId {
  return kind === 'request' ? from : to;
}

export function upstreamOf({ kind, from, to }: Fixture): DialectId {
  return kind === 'request' ? to : from;
}

export function readRows(): CorpusRow[] {
  return JSON.parse(readFileSync(path.join(ROOT, 'rows.json'), 'utf8')) as CorpusRow[];
}

export function readFixtures(): Fixture[] {
  return readRows().flatMap(({ folder }) =>
    readdirSync(path.join(ROOT, folder)).flatMap((name) => fixturesOf(folder, name)),
  );
}

function fixturesOf(row: string, name: string): Fixture[] {
  const folder = path.join(ROOT, row, name);
  const told = JSON.parse(readFileSync(path.join(folder, 'case.json'), 'utf8')) as Omit<CorpusCase, 'row' | 'name'>;
  const of: CorpusCase = { row, name, ...told };
  const fixtures: Fixture[] = [];
  for (const kind of Object.keys(EXTENSIONS) as Kind[]) {
    for (const from of DIALECT_IDS) {
      const file = path.join(folder, `${from}.${EXTENSIONS[kind]}`);
      if (!existsSync(file)) continue;
      const input = readFileSync(file);
      for (const to of DIALECT_IDS) {
        const goldenPath = path.join(folder, 'golden', `${from}-to-${to}.${EXTENSIONS[kind]}`);
        fixtures.push({ of, kind, from, to, input, goldenPath });
      }
    }
  }
  return fixtures;
}

/** Every value at a path of members, `[0]` and `[*]`. */
export function valuesAt(root: JsonValue | undefined, at: string): JsonValue[] {
  let found = root === undefined ? [] : [root];
  for (const [, index, name] of at.matchAll(/\[(\d+|\*)\]|([^.[\]]+)/g)) {
    found = found.flatMap((value) => {
      if (index === '*') return Array.isArray(value) ? value : [];
      const member = (value as JsonObject | null)?.[name ?? index ?? ''];
      return member === undefined ? [] : [member];
    });
  }
  return found;
}
