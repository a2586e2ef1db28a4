import fc from 'fast-check';
import { cutBytes, decodeBytes, readSse, readStream, type Collected } from '../../__fixtures__/stream-grammar';
import type { TapContext } from '../../dialect';
import type { JsonObject } from '../../json';
import { emptyUsage } from '../../usage';
import {
  added,
  argumentsDelta,
  CALL,
  completed,
  CREATED,
  done,
  event,
  MESSAGE,
  partAdded,
  REASONING,
  responseOf,
  SPENT,
  textDelta,
  thinkingDelta,
  WHOLE_STREAM,
} from './__fixtures__/events';
import { tapReply } from './reply-tap';
import { ResponsesStreamDecoder } from './stream-decoder';
import { ResponsesStreamTap } from './stream-tap';

const SHOWN: TapContext = { model: 'shown', includeUsage: true };
const COUNTED = { ...emptyUsage(), inputTokens: 10, outputTokens: 7 };
const NOTE = 'the budget is spent';
const OPEN_TEXT =
  CREATED + added({ ...MESSAGE, content: [], status: 'in_progress' }) + partAdded() + textDelta('Hel "\\n');

function pass(text: string, cuts: readonly number[] = [], context = SHOWN) {
  const tap = new ResponsesStreamTap(context);
  const sent = cutBytes(Buffer.from(text), cuts).map((piece) => tap.push(piece));
  return { tap, text: Buffer.concat([...sent, tap.end('completed')]).toString() };
}

function stopAfter(text: string) {
  const tap = new ResponsesStreamTap(SHOWN);
  const sent = tap.push(Buffer.from(text));
  const closing = tap.stopAtLimit(COUNTED, NOTE);
  return { tap, closing: closing.toString(), bytes: Buffer.concat([sent, closing]) };
}

function heard(bytes: Buffer | string): Collected {
  return readStream(decodeBytes(new ResponsesStreamDecoder({ toolNames: new Map() }), Buffer.from(bytes)));
}

function told(text: string): JsonObject[] {
  return readSse(Buffer.from(text)).map(({ data }) => JSON.parse(data) as JsonObject);
}

describe('a Responses stream passed through', () => {
  it('is the same bytes but for the model’s name and the cost, for any split of them', () => {
    const expected = WHOLE_STREAM.replaceAll('"model":"gpt-up"', '"model":"shown"').replace(
      '"total_tokens":120}',
      '"total_tokens":120,"cost_usd":0.5}',
    );
    fc.assert(
      fc.property(fc.array(fc.nat(9000), { maxLength: 12 }), (cuts) => {
        const { tap, text } = pass(WHOLE_STREAM, cuts, { ...SHOWN, costUsd: () => 0.5 });
        expect(text).toBe(expected);
        expect(tap).toMatchObject({ usage: SPENT, usageIsFinal: true, finish: 'tool-calls', failure: undefined });
        expect(tap.outputBytes).toBe('First.Then.Hello{"path":"a"}'.length);
      }),
      { numRuns: 60 },
    );
  });

  it('is not copied where nothing is to be changed', () => {
    const tap = new ResponsesStreamTap({ ...SHOWN, model: 'gpt-up' });
    const bytes = Buffer.from(WHOLE_STREAM);
    expect(tap.push(bytes)).toBe(bytes);
  });

  it('counts the text, not how it is written', () => {
    expect(pass(OPEN_TEXT + textDelta('é😀') + 'event: x\n\n').tap.outputBytes).toBe('Hel "\\n'.length + 6);
    const escaped = textDelta('é').replace('é', '\\u00e9');
    expect(pass(OPEN_TEXT + escaped).tap.outputBytes).toBe('Hel "\\n'.length + 2);
  });

  it('reads events that are written otherwise than the API does', () => {
    const spaced = WHOLE_STREAM.replace(/^event: .*\n/gm, '')
      .replace(/":"/g, '": "')
      .replace(/^data: /gm, ':c\ndata:');
    const { tap, text } = pass(spaced);
    expect(tap).toMatchObject({ usage: SPENT, finish: 'tool-calls' });
    expect(heard(text)).toMatchObject({ text: 'Hello' });
    expect(told(text)[0]).toMatchObject({ response: { model: 'shown' } });
    expect(tap.outputBytes).toBe('First.Then.Hello{"path":"a"}'.length);
  });

  it.each([
    ['incomplete', responseOf({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }), 'length'],
    ['incomplete', responseOf({ status: 'incomplete', incomplete_details: { reason: 'steered' } }), 'steered'],
    ['completed', responseOf({}), 'stop'],
  ])('that is %s says how it ended', (type, response, finish) => {
    expect(pass(CREATED + event(`response.${type}`, { response })).tap.finish).toBe(finish);
  });

  it('shows a failure in the upstream’s words, and nothing behind it', () => {
    const error = { code: 'rate_limit_exceeded', message: 'Slow' };
    const failed = event('response.failed', { response: responseOf({ status: 'failed', error }) });
    const { tap, text } = pass(CREATED + failed + completed([]));
    expect(tap.failure).toEqual({ kind: 'upstream', type: 'rate_limit_exceeded', message: 'Slow' });
    expect(text).toBe((CREATED + failed).replaceAll('gpt-up', 'shown'));
  });

  it('tells `response.failed` behind an `error`, which Codex does not read', () => {
    const error = event('error', { code: 'server_error', message: 'Broke', param: null });
    const { tap, text } = pass(CREATED + error + completed([]));
    expect(tap.failure).toEqual({ kind: 'upstream', type: 'server_error', message: 'Broke' });
    expect(text.startsWith(CREATED.replace('gpt-up', 'shown') + error)).toBe(true);
    expect(told(text).slice(2)).toMatchObject([
      {
        ...{ type: 'response.failed', sequence_number: 8 },
        response: { id: 'resp_1', model: 'shown', status: 'failed', error: { code: 'server_error', message: 'Broke' } },
      },
    ]);
  });

  it.each([
    ['the bytes end', '', 'truncated'],
    ['an event is cut', 'event: response.output_text.delta\ndata: {"ty', 'truncated'],
    ['[DONE] comes alone', 'data: [DONE]\n\n', 'truncated'],
    ['garbage comes', 'data: <html>\n\n', 'malformed'],
  ])('fails in the dialect’s own events when %s', (_, rest, kind) => {
    const { tap, text } = pass(OPEN_TEXT + rest);
    expect(tap.failure?.kind).toBe(kind);
    expect(text).not.toContain('[DONE]');
    expect(told(text).slice(-2)).toMatchObject([
      { type: 'error', sequence_number: 8 },
      { type: 'response.failed', sequence_number: 9, response: { id: 'resp_1', model: 'shown', status: 'failed' } },
    ]);
  });

  it('lets what follows its end go by', () => {
    expect(pass(`${completed([])}data: [DONE]\n\n: bye\n\n`).text).toContain('data: [DONE]\n\n: bye');
  });
});

describe('a Responses stream stopped at a limit', () => {
  it('closes what is open and ends as incomplete, numbered on, behind the note', () => {
    const { tap, closing } = stopAfter(OPEN_TEXT + textDelta('lo'));
    expect(closing.startsWith(`: ${NOTE}\n\nevent: response.output_text.done\n`)).toBe(true);
    const content = [{ type: 'output_text', text: 'Hel "\\nlo', annotations: [], logprobs: [] }];
    const item = { ...MESSAGE, status: 'incomplete', content };
    expect(told(closing)).toMatchObject([
      { type: 'response.output_text.done', sequence_number: 8, item_id: 'msg_1', text: 'Hel "\\nlo' },
      { type: 'response.content_part.done', sequence_number: 9, part: content[0] },
      { type: 'response.output_item.done', sequence_number: 10, output_index: 0, item },
      {
        ...{ type: 'response.incomplete', sequence_number: 11 },
        response: {
          ...{ id: 'resp_1', model: 'shown', status: 'incomplete', output: [item] },
          ...{ incomplete_details: { reason: 'max_output_tokens' }, usage: { input_tokens: 10, output_tokens: 7 } },
        },
      },
    ]);
    expect(tap).toMatchObject({ finish: 'length', usage: COUNTED, usageIsFinal: false, failure: undefined });
  });

  it('has all that went by in its last response', () => {
    const open = { ...CALL, id: 'fc_2', call_id: 'call_2', arguments: '' };
    const { bytes, closing } = stopAfter(
      CREATED + done(REASONING) + done(MESSAGE, 1) + added(open, 2) + argumentsDelta('{"pa', 2),
    );
    expect(told(closing).at(-1)).toMatchObject({
      response: { output: [REASONING, MESSAGE, { ...open, arguments: '{"pa', status: 'incomplete' }] },
    });
    expect(heard(bytes)).toMatchObject({ text: 'Hello', calls: [{ arguments: '{"pa' }], end: { reason: 'length' } });
  });

  it('says no more and no less than had been said, wherever it is stopped', () => {
    fc.assert(
      fc.property(fc.nat(), (at) => {
        const cut = Buffer.from(WHOLE_STREAM).subarray(0, at % WHOLE_STREAM.length);
        const { bytes, closing } = stopAfter(cut.toString());
        if (closing === '') return;
        const before = heard(pass(cut.toString()).text);
        const after = heard(bytes);
        expect({ ...after, end: undefined }).toEqual({ ...before, end: undefined });
        expect(after.end).toMatchObject({ type: 'finish', reason: 'length', usage: COUNTED });
      }),
      { numRuns: 100 },
    );
  });

  it('keeps apart the deltas of items that interleave', () => {
    const first = { ...CALL, arguments: '' };
    const second = { ...first, id: 'fc_2', call_id: 'call_2' };
    const { closing } = stopAfter(
      CREATED + added(first) + added(second, 1) + argumentsDelta('a') + argumentsDelta('b', 1) + argumentsDelta('c'),
    );
    expect(told(closing).at(-1)).toMatchObject({ response: { output: [{ arguments: 'ac' }, { arguments: 'b' }] } });
  });

  it('keeps the summary of thinking in its parts', () => {
    const reasoning = added({ type: 'reasoning', id: 'rs_1', summary: [] });
    const second = event('response.reasoning_summary_part.added', { output_index: 0, summary_index: 1 });
    const { closing } = stopAfter(CREATED + reasoning + thinkingDelta('a') + second + thinkingDelta('b', 1));
    expect(told(closing).at(-1)).toMatchObject({
      response: { output: [{ summary: [{ text: 'a' }, { text: 'b' }] }] },
    });
  });

  it.each([
    ['before it began', ''],
    ['after its end', CREATED + completed([])],
    ['after its failure', CREATED + event('error', { message: 'x' })],
  ])('changes nothing %s', (_, text) => {
    const { tap, closing } = stopAfter(text);
    expect(closing).toBe('');
    expect(tap.usage).not.toEqual(COUNTED);
  });

  it('sends nothing more', () => {
    const { tap } = stopAfter(OPEN_TEXT);
    expect([tap.push(Buffer.from(textDelta('x'))), tap.end('completed')].map(String)).toEqual(['', '']);
  });
});

describe('a Responses reply passed through', () => {
  const tap = (members: JsonObject, context = SHOWN) =>
    tapReply(Buffer.from(JSON.stringify(responseOf(members))), context);

  it('is the same bytes but for the model’s name and the cost', () => {
    const tapped = tap({ output: [MESSAGE, CALL] }, { ...SHOWN, costUsd: () => 0.5 });
    const expected = JSON.stringify(responseOf({ output: [MESSAGE, CALL] }))
      .replace('gpt-up', 'shown')
      .replace('"total_tokens":120}', '"total_tokens":120,"cost_usd":0.5}');
    expect(tapped).toMatchObject({ usage: SPENT, finish: 'tool-calls', failure: undefined });
    expect(tapped.body.toString()).toBe(expected);
  });

  it.each<[JsonObject, string]>([
    [{ output: [MESSAGE] }, 'stop'],
    [{ output: [{ type: 'tool_search_call', execution: 'client' }] }, 'tool-calls'],
    [
      {
        output: [
          { type: 'tool_search_call', execution: 'server' },
          { ...MESSAGE, id: 'function_call' },
        ],
      },
      'stop',
    ],
    [{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'length'],
  ])('of %j finished as %s', (members, finish) => {
    expect(tap(members).finish).toBe(finish);
  });

  it.each<[JsonObject, string]>([
    [{ status: 'failed', error: { code: 'server_error', message: 'Their words' } }, 'upstream'],
    [{ output: null }, 'malformed'],
    [{ status: 'in_progress' }, 'truncated'],
  ])('of %j is a failure', (members, kind) => {
    expect(tap(members).failure?.kind).toBe(kind);
  });

  it('of something else is a failure', () => {
    expect(tapReply(Buffer.from('<html>'), SHOWN).failure?.kind).toBe('malformed');
  });
});
