import fc from 'fast-check';
import { sniffRequest, type SniffedRequest } from './sniff';

function sniff(body: unknown): SniffedRequest {
  const result = sniffRequest(Buffer.from(JSON.stringify(body)));
  if (!result.ok) throw new Error(result.fault.message);
  return result;
}

function fault(text: string, maxDepth?: number) {
  const result = sniffRequest(Buffer.from(text), { maxDepth });
  if (result.ok) throw new Error('expected a fault');
  return result.fault;
}

describe('sniffRequest', () => {
  it('reads a Messages request', () => {
    const body = {
      model: 'claude-é',
      max_tokens: 10,
      stream: true,
      messages: [{}],
      tools: [],
      system: 'x',
      thread: {},
    };
    expect(sniff(body)).toMatchObject({
      model: 'claude-é',
      maxTokens: 10,
      stream: true,
      messages: 'filled',
      tools: 'empty',
      system: true,
      thread: true,
      includeUsage: false,
      replyCount: 1,
    });
  });

  it('reads a Chat request, and prefers max_completion_tokens', () => {
    const body = {
      max_completion_tokens: 5,
      max_tokens: 9,
      n: 2,
      stream_options: { include_usage: true },
      messages: [],
    };
    expect(sniff(body)).toMatchObject({
      model: undefined,
      maxTokens: 5,
      replyCount: 2,
      includeUsage: true,
      messages: 'empty',
    });
  });

  it('reads a Responses request, whose input is a text or a list', () => {
    const body = { model: 'm', input: 'Hi', instructions: 'Be brief.', max_output_tokens: 20, max_tokens: 9 };
    expect(sniff(body)).toMatchObject({ maxOutputTokens: 20, maxTokens: 9, messages: 'absent', input: 'filled' });
    expect(sniff({ input: [{}] }).input).toBe('filled');
    expect(sniff({ input: [] }).input).toBe('empty');
    expect(sniff({ input: null }).input).toBe('absent');
    expect(sniff({ input: { a: 1 } }).input).toBe('unknown');
  });

  it('has one shape whatever is absent, and takes null for absent', () => {
    const empty = sniff({});
    const nulls = sniff({
      model: null,
      stream: null,
      max_tokens: null,
      messages: null,
      stream_options: null,
      thread: null,
    });
    expect({ ...nulls, spans: undefined, modelSpan: undefined }).toEqual({ ...empty, spans: undefined });
    expect(Object.keys(empty)).toEqual(Object.keys(sniff({ model: 'a', n: 1 })));
  });

  it('says whether some string may be an envelope of ours, wherever it stands', () => {
    const signed = (signature: string) => [
      { role: 'assistant', content: [{ type: 'thinking', thinking: '', signature }] },
    ];
    expect(sniff({ messages: signed('sbsig.openai-responses.x') }).mayHoldEnvelope).toBe(true);
    expect(sniff({ input: [{ encrypted_content: 'sbsum.x' }] }).mayHoldEnvelope).toBe(true);
    expect(sniff({ messages: signed('EqQBCgIYAhIM sbsig.') }).mayHoldEnvelope).toBe(false);
    expect(sniff({ model: 'sb' }).mayHoldEnvelope).toBe(false);
  });

  it('says whether some string may be the name of an image, or any name in disguise', () => {
    const marksOf = (text: string) => {
      const sniffed = sniffRequest(Buffer.from(text));
      if (!sniffed.ok) throw new Error(sniffed.fault.message);
      return [sniffed.mayHoldImages, sniffed.mayHideNames];
    };
    expect(marksOf('{"messages":[{"content":[{"type":"image"}]}]}')).toEqual([true, false]);
    expect(marksOf('{"messages":[{"content":[{"image_url":""}]}]}')).toEqual([true, false]);
    expect(marksOf('{"messages":[{"content":"an image, \\"image\\", \\n \\\\u0069"}]}')).toEqual([false, false]);
    expect(marksOf('{"messages":[{"content":[{"type":"im\\u0061ge"}]}]}')).toEqual([false, true]);
    expect(marksOf('{"messages":[{"cont\\u0065nt":""}]}')).toEqual([false, true]);
  });

  it('gives the span of the model, quotes included', () => {
    const text = '{"messages":[{"model":"inner"}], "model" : "a\\"b" }';
    const result = sniffRequest(Buffer.from(text));
    if (!result.ok || !result.modelSpan) throw new Error('no model');
    expect(text.slice(result.modelSpan.start, result.modelSpan.end)).toBe('"a\\"b"');
    expect(result.model).toBe('a"b');
  });

  it.each([
    ['{"model":1}', 'model', 'model: must be a string'],
    ['{"model":"\\x"}', 'model', 'model: must be a string'],
    ['{"stream":"yes"}', 'stream', 'stream: must be a boolean'],
    ['{"max_tokens":"9"}', 'max_tokens', 'max_tokens: must be an integer of at least 0'],
    ['{"max_tokens":1.5}', 'max_tokens', 'max_tokens: must be an integer of at least 0'],
    ['{"max_tokens":1e99}', 'max_tokens', 'max_tokens: must be an integer of at least 0'],
    [
      '{"max_completion_tokens":-1}',
      'max_completion_tokens',
      'max_completion_tokens: must be an integer of at least 0',
    ],
    ['{"max_output_tokens":true}', 'max_output_tokens', 'max_output_tokens: must be an integer of at least 0'],
    ['{"messages":{}}', 'messages', 'messages: must be an array'],
    ['{"tools":"x"}', 'tools', 'tools: must be an array'],
    ['{"n":0}', 'n', 'n: must be an integer of at least 1'],
    ['{"stream_options":[]}', 'stream_options', 'stream_options: must be an object'],
    [
      '{"stream_options":{"include_usage":1}}',
      'stream_options.include_usage',
      'stream_options.include_usage: must be a boolean',
    ],
  ])('names the parameter of a wrong type: %s', (text, param, message) => {
    expect(fault(text)).toEqual({ param, message });
  });

  it('says what is wrong with a body that is no JSON object', () => {
    expect(fault('').message).toMatch(/empty/);
    expect(fault('[]').message).toBe('The request body must be a JSON object');
    expect(fault('{"model":"a"').message).toBe('The request body is not valid JSON (fault at byte 12)');
    expect(fault('{"a":[[]]}', 2).message).toBe('The request body is nested deeper than 2 levels');
  });

  it('never shows the body in a fault', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^SECRET[a-z]{3}$/),
        fc.constantFrom('model', 'n', 'messages', 'stream'),
        (secret, field) => {
          expect(fault(`{"${field}":{"x":"${secret}"}}`).message).not.toContain(secret);
          expect(fault(`{"${field}":${secret}}`).message).not.toContain(secret);
        },
      ),
    );
  });
});
