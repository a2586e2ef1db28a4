import { readFixtures, type Fixture } from './__fixtures__/corpus-case';
import { sendRequest, translate, type Outcome } from './__fixtures__/corpus-translate';
import { isAccountedFor, probed } from './__fixtures__/probe';
import type { JsonObject } from './json';

/** Where an unknown member is gone without a word, indexes aside. */
function silent(fixtures: readonly Fixture[], send: (fixture: Fixture) => Outcome): string[] {
  const places = new Set<string>();
  for (const fixture of fixtures) {
    for (const [place, body] of probed(JSON.parse(fixture.input.toString()) as JsonObject)) {
      const outcome = send({ ...fixture, input: Buffer.from(JSON.stringify(body)) });
      // Some places admit no other member, and some things are refused anyway.
      if (outcome.fault !== undefined || isAccountedFor(place, body, JSON.stringify(outcome.body), outcome.losses))
        continue;
      places.add(`${fixture.from} to ${fixture.to}: ${place.replace(/\d+/g, '*')}`);
    }
  }
  return [...places].sort();
}

/**
 * Of the events that tell of the reply. The frames around deltas, pings and errors say nothing of it, and the pieces of a delta
 * are too many to be looked through.
 */
const TOLD: readonly RegExp[] = [
  /^message_start message$/,
  /^content_block_start content_block$/,
  /^message_delta (delta)?$/,
  /^chunk (choices\[0\](\.delta)?)?$/,
  /^response\.output_item\.done item(\.content\[0\]|\.summary\[0\])?$/,
  /^response\.completed response$/,
];

function silentInStreams(fixtures: readonly Fixture[]): string[] {
  const places = new Set<string>();
  for (const fixture of fixtures) {
    const frames = fixture.input.toString().split(/(?<=\n\n)/);
    frames.forEach((frame, index) => {
      const [, head = '', data = ''] = /^((?:event: .*\n)?data: )(\{.*\})\n\n$/.exec(frame) ?? [];
      const event = parse(data);
      if (event === undefined) return;
      const name = typeof event['type'] === 'string' ? event['type'] : 'chunk';
      for (const [place, body] of probed(event)) {
        if (!TOLD.some((told) => told.test(`${name} ${place}`))) continue;
        const text = [...frames.slice(0, index), `${head}${JSON.stringify(body)}\n\n`, ...frames.slice(index + 1)].join(
          '',
        );
        const { sse = '', losses } = translate({ ...fixture, input: Buffer.from(text) });
        if (isAccountedFor(place, body, sse, losses)) continue;
        places.add(`${fixture.from} to ${fixture.to}: ${name} ${place.replace(/\d+/g, '*')}`);
      }
    });
  }
  return [...places].sort();
}

function parse(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    // An event of a broken stream.
    return undefined;
  }
}

describe('an unknown member, in each object of each input of the golden corpus', () => {
  // Nothing is read behind an error.
  const all = readFixtures().filter(({ of }) => of.row !== 'stream-errors');

  it('is carried or reported in requests', () => {
    expect(
      silent(
        all.filter(({ kind }) => kind === 'request'),
        sendRequest,
      ),
    ).toEqual([]);
  });

  it('is carried or reported in replies', () => {
    const replies = all.filter(({ kind, from, to }) => kind === 'reply' && from !== to);
    expect(silent(replies, translate).filter((place) => !place.includes('usage'))).toEqual([]);
  });

  it('is carried or reported in streams', () => {
    expect(silentInStreams(all.filter(({ kind, from, to }) => kind === 'stream' && from !== to))).toEqual([]);
  });
});
