import { emptyUsage } from '../usage';
import { readCompletionsCall } from './completions';

const context = { model: 'test/model', includeUsage: false, costUsd: () => 0.5, repair: true };

function call(members: object = {}) {
  const read = readCompletionsCall(Buffer.from(JSON.stringify({ model: 'm', prompt: 'Hi', ...members })));
  if (!read.ok) throw new Error(read.fault.message);
  return read.value;
}

function chunk(text: string, finish: string | null = null, index = 0): string {
  const choices = [{ text, index, logprobs: null, finish_reason: finish }];
  return event({ id: 'cmpl-1', object: 'text_completion', created: 1, choices, model: 'up', usage: null });
}

const event = (value: object | string): string =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const USAGE_CHUNK = event({ id: 'cmpl-1', object: 'text_completion', choices: [], model: 'up', usage: USAGE });

function tap(includeUsage = false) {
  const { streamTap } = call();
  if (streamTap === undefined) throw new Error('it streams');
  return streamTap.call(call(), { ...context, includeUsage });
}

describe('a stream', () => {
  const chunks = [chunk('Hel'), chunk('lo'), chunk('', 'stop'), USAGE_CHUNK, event('[DONE]')];

  test('passes, but for the name of the model and the usage that nobody asked for', () => {
    const watched = tap();
    const passed =
      chunks.map((each) => watched.push(Buffer.from(each)).toString()).join('') + watched.end('completed').toString();
    expect(passed).toBe([...chunks.slice(0, 3), event('[DONE]')].join('').replaceAll('"up"', '"test/model"'));
    expect(watched).toMatchObject({
      ...{ finish: 'stop', failure: undefined, usageIsFinal: true, outputBytes: 5 },
      usage: { inputTokens: 3, outputTokens: 2 },
    });
  });

  test('tells its usage and its cost where they were asked for', () => {
    const watched = tap(true);
    const passed = chunks.map((each) => watched.push(Buffer.from(each)).toString());
    expect(JSON.parse(passed[3]!.slice('data: '.length))).toMatchObject({ usage: { ...USAGE, cost_usd: 0.5 } });
  });

  test('that breaks off ends in an error', () => {
    const watched = tap();
    watched.push(Buffer.from(chunk('Hel')));
    expect(watched.end('completed').toString()).toMatch(/^data: {"error":/);
  });

  test('is ended at a limit in its own form', () => {
    const watched = tap(true);
    watched.push(Buffer.from(chunk('a') + chunk('b', null, 1)));
    const usage = { ...emptyUsage(), inputTokens: 3, outputTokens: 1 };
    const [note, ...events] = watched.stopAtLimit(usage, 'stopped').toString().trim().split('\n\n');
    expect(note).toBe(': stopped');
    expect(events.at(-1)).toBe('data: [DONE]');
    const ends = events.slice(0, -1).map((each) => JSON.parse(each.slice('data: '.length)));
    const head = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'test/model' };
    expect(ends).toMatchObject([
      { ...head, choices: [{ text: '', index: 0, logprobs: null, finish_reason: 'length' }] },
      { ...head, choices: [{ text: '', index: 1, finish_reason: 'length' }] },
      { ...head, choices: [], usage: { prompt_tokens: 3, completion_tokens: 1 } },
    ]);
  });
});

test('a whole reply passes with its usage read and its cost told; nothing is put in', () => {
  const reply = {
    object: 'text_completion',
    model: 'up',
    choices: [{ text: 'Hello', index: 0, finish_reason: null }],
    usage: USAGE,
  };
  const { body, usage, failure } = call().tapReply(Buffer.from(JSON.stringify(reply)), context);
  expect(JSON.parse(body.toString())).toEqual({ ...reply, model: 'test/model', usage: { ...USAGE, cost_usd: 0.5 } });
  expect([usage, failure]).toMatchObject([{ inputTokens: 3, outputTokens: 2 }, undefined]);
  expect(call().writtenBytes(body)).toBe(5);
});

test.each<[object, number]>([
  [{}, 1],
  [{ prompt: null }, 1],
  [{ prompt: ['a', 'b', 'c'] }, 3],
  [{ prompt: [1, 2, 3] }, 1],
  [{ prompt: [[1], [2, 3]] }, 2],
  [{ prompt: [] }, 1],
  [{ n: 2 }, 2],
  [{ n: 2, best_of: 5, prompt: ['a', 'b'] }, 10],
])('%j is as many replies as are written', (members, replies) => {
  expect(call(members).replyCount).toBe(replies);
});

test.each(['n', 'best_of'])('%s has to be a number', (param) => {
  for (const value of [0, 1.5, '2', {}]) {
    const read = readCompletionsCall(Buffer.from(JSON.stringify({ model: 'm', prompt: 'Hi', [param]: value })));
    expect(read).toMatchObject({ ok: false, fault: { param } });
  }
});
