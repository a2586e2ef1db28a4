import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { sniffRequest } from '@switchboard/protocol';
import { get_encoding } from 'tiktoken';
import { estimateInput } from './input-estimate';

const encoding = get_encoding('cl100k_base');
afterAll(() => encoding.free());

const bytesOf = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));
const estimate = (body: unknown, hasTools = false) => estimateInput(bytesOf(body), hasTools);
/** Tokens of some texts; special tokens in them are plain text. */
const count = (...texts: string[]): number =>
  texts.reduce((tokens, text) => tokens + encoding.encode(text, [], []).length, 0);

const messages = (content: unknown) => ({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] });
const text = (of: string) => ({ type: 'text', text: of });

/** As long as a photograph of some 90 KB. */
const DATA = 'iVBORw0KGgo/9j+AAAA'.repeat(6_400);
const anthropicImage = (source: Record<string, string>) => ({ type: 'image', source });
const BASE64_PNG = { type: 'base64', media_type: 'image/png', data: DATA };
const dataUrl = (data = DATA) => `data:image/png;base64,${data}`;
const chatImage = (url: string, more = {}) => ({ type: 'image_url', image_url: { url, ...more } });

/** What the same body would weigh if its images had no data, and were no images. */
function withoutImages(body: unknown, data: string): number {
  return Buffer.byteLength(JSON.stringify(body).split(data).join(''));
}

const TOKENS_PER_IMAGE = 1_600;
const TOKENS_PER_IMAGE_MOST = 5_000;

describe('an image', () => {
  const { type, media_type, data } = BASE64_PNG;

  it.each([
    ['in the order of most SDKs', { type, media_type, data }],
    ['in the order of the alphabet, as the SDKs for Go and Java write it', { data, media_type, type }],
    ['with the data in the middle', { media_type, data, type }],
    ['with the data before the media type', { type, data, media_type }],
  ])('of an Anthropic message counts by itself, not by its bytes: %s', (_, source) => {
    const body = messages([text('What is this?'), anthropicImage(source)]);
    const textBytes = withoutImages(body, DATA);
    expect(estimate(body)).toEqual({
      tokens: Math.ceil(textBytes / 3) + TOKENS_PER_IMAGE,
      tokensMost: textBytes + TOKENS_PER_IMAGE_MOST,
    });
  });

  it('of a Chat message counts by itself, not by its data URL', () => {
    for (const more of [{}, { detail: 'high' }]) {
      const body = messages([text('What is this?'), chatImage(dataUrl(), more)]);
      const textBytes = withoutImages(body, dataUrl());
      expect(estimate(body)).toEqual({
        tokens: Math.ceil(textBytes / 3) + TOKENS_PER_IMAGE,
        tokensMost: textBytes + TOKENS_PER_IMAGE_MOST,
      });
    }
  });

  it('of a Responses item counts by itself, in a message and in what a tool gave', () => {
    const part = (url: string) => ({ type: 'input_image', image_url: url, detail: 'auto' });
    for (const item of [
      { role: 'user', content: [{ type: 'input_text', text: 'What is this?' }, part(dataUrl())] },
      { type: 'function_call_output', call_id: 'c', output: [part(dataUrl())] },
    ]) {
      const body = { model: 'm', input: [item] };
      const textBytes = withoutImages(body, dataUrl());
      expect(estimate(body)).toEqual({
        tokens: Math.ceil(textBytes / 3) + TOKENS_PER_IMAGE,
        tokensMost: textBytes + TOKENS_PER_IMAGE_MOST,
      });
    }
  });

  it('is text in a tool’s input, however much it looks like an item', () => {
    const part = { type: 'input_image', image_url: dataUrl() };
    const input = { input: [{ content: [part], output: [part] }], output: [part], content: [part] };
    for (const body of [
      messages([{ type: 'tool_use', id: 't', name: 'n', input }]),
      { model: 'm', input: [{ type: 'tool_search_call', arguments: input }] },
      { model: 'm', tools: [{ input: [{ content: [part] }] }] },
    ]) {
      expect(estimate(body).tokensMost).toBe(bytesOf(body).length);
    }
  });

  it('counts wherever an API takes one: in a tool’s result, in a document’s content', () => {
    const image = anthropicImage(BASE64_PNG);
    const parts = [
      { type: 'tool_result', tool_use_id: 't', content: [text('A map'), image] },
      { type: 'document', source: { type: 'content', content: [image] } },
    ];
    for (const part of parts) {
      const body = messages([part]);
      expect(estimate(body).tokensMost).toBe(withoutImages(body, DATA) + TOKENS_PER_IMAGE_MOST);
    }
  });

  it('counts each, whether its bytes came along or not', () => {
    const sources = [
      anthropicImage({ type: 'url', url: 'https://example.com/a.png' }),
      anthropicImage({ type: 'file', file_id: 'file_1' }),
      chatImage('https://example.com/a.png'),
    ];
    for (const source of sources) {
      for (const images of [1, 2, 7]) {
        const body = messages(Array.from({ length: images }, () => source));
        expect(estimate(body).tokensMost).toBe(bytesOf(body).length + images * TOKENS_PER_IMAGE_MOST);
        expect(estimate(body).tokens).toBe(Math.ceil(bytesOf(body).length / 3) + images * TOKENS_PER_IMAGE);
      }
    }
  });

  it('counts when its body is written with other spaces and escapes', () => {
    const body = messages([anthropicImage(BASE64_PNG), chatImage(dataUrl())]);
    const pretty = JSON.stringify(body, null, 2);
    const textBytes = pretty.split(dataUrl()).join('').split(DATA).join('').length;
    expect(estimateInput(Buffer.from(pretty), false).tokensMost).toBe(textBytes + 2 * TOKENS_PER_IMAGE_MOST);
    const slashes = JSON.stringify(body).replaceAll('/', '\\/');
    expect(estimateInput(Buffer.from(slashes), false).tokensMost).toBeLessThan(3 * TOKENS_PER_IMAGE_MOST);
    const linked = messages([chatImage('https://example.com/a.png')]);
    const escaped = JSON.stringify(linked).replaceAll('image', '\\u0069m\\u0061ge');
    expect(JSON.parse(escaped)).toEqual(linked);
    expect(estimateInput(Buffer.from(escaped), false).tokensMost).toBe(escaped.length + TOKENS_PER_IMAGE_MOST);
  });
});

describe('what is no image counts by its bytes', () => {
  const image = anthropicImage({ type: 'url', url: 'https://example.com/a.png' });

  it.each([
    ['a page with an inline image', messages([image, text(`<img src="${dataUrl()}"> and more`)])],
    ['a text that begins like a data URL', messages([image, text(`${dataUrl()} ${'so it says '.repeat(99)}`)])],
    ['a text that quotes a source', messages([image, text(JSON.stringify(BASE64_PNG))])],
    ['a call of a tool with an image’s source', messages([image, { type: 'tool_use', input: BASE64_PNG }])],
    ['a call of a tool with a part', messages([image, { type: 'tool_use', input: { content: [BASE64_PNG] } }])],
    ['data beside a source', messages([{ ...image, data: DATA, url: dataUrl() }])],
    ['a PDF', messages([image, { type: 'document', source: { ...BASE64_PNG, media_type: 'application/pdf' } }])],
    ['a file of Chat', messages([image, { type: 'file', file: { file_data: `data:application/pdf;base64,${DATA}` } }])],
    ['a tool’s schema', { ...messages([image]), tools: [{ input_schema: { default: anthropicImage(BASE64_PNG) } }] }],
    ['an image outside the messages', { ...messages([image]), metadata: { content: [anthropicImage(BASE64_PNG)] } }],
  ])('%s', (_, body) => {
    expect(estimate(body).tokensMost).toBeGreaterThanOrEqual(bytesOf(body).length + TOKENS_PER_IMAGE_MOST);
  });

  it('words like "image" in a tool’s schema make none', () => {
    const schema = { type: 'object', properties: { image: { type: 'string' }, image_url: { enum: ['image'] } } };
    const body = { ...messages('Hi'), tools: [{ name: 'show', input_schema: schema }] };
    expect(estimate(body, true).tokens).toBe(Math.ceil(bytesOf(body).length / 3));
  });
});

it('tools add what a provider may say about them', () => {
  const body = messages('Hi');
  expect(estimate(body, true).tokensMost - estimate(body, false).tokensMost).toBe(1_000);
});

/** Any text of any script, and what lookups are tricked with. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom(
    'data:image/png;base64,',
    '"image"',
    '"type":"image"',
    '"base64"',
    '\\',
    '"',
    '\\u0022',
    '<|endoftext|>',
  ),
);
const texts = fc.array(anyText, { maxLength: 5 }).map((pieces) => pieces.join(''));

describe('the most that a text can come to', () => {
  const data = fc.base64String({ minLength: 4, maxLength: 400 });
  const image = fc.oneof(
    data.map((of) => ({ part: anthropicImage({ ...BASE64_PNG, data: of }), data: of })),
    data.map((of) => ({ part: anthropicImage({ data: of, media_type: 'image/webp', type: 'base64' }), data: of })),
    data.map((of) => ({ part: chatImage(dataUrl(of), { detail: 'low' }), data: dataUrl(of) })),
    fc.webUrl().map((url) => ({ part: chatImage(url), data: '' })),
  );
  const parts = fc.array(
    fc.oneof(
      texts.map((of) => ({ part: text(of) as unknown, text: of })),
      texts.map((of) => ({ part: { type: 'tool_use', name: 'f', input: { url: of, data: of } }, text: of })),
      texts.map((of) => ({ part: { type: 'tool_result', content: [text(of)] }, text: of })),
      image.map(({ part, data: of }) => ({ part, text: '', data: of })),
    ),
    { maxLength: 6 },
  );

  it('is at least the bytes of all that is no image’s data, and at most 5,000 tokens for each image more', () => {
    fc.assert(
      fc.property(parts, texts, (list, system) => {
        const body = { ...messages(list.map(({ part }) => part)), system };
        const images = list.filter((entry) => 'data' in entry);
        const dataBytes = images.reduce((sum, entry) => sum + ('data' in entry ? String(entry.data).length : 0), 0);
        const textBytes = bytesOf(body).length - dataBytes;
        expect(estimate(body).tokensMost).toBe(textBytes + images.length * TOKENS_PER_IMAGE_MOST);
      }),
    );
  });

  it('is the same by what a walk of the body told, however letters are written', () => {
    fc.assert(
      fc.property(parts, texts, fc.array(fc.nat()), (list, system, places) => {
        const plain = JSON.stringify({ ...messages(list.map(({ part }) => part)), system });
        const body = Buffer.from(withEscapes(plain, places));
        expect(JSON.parse(body.toString())).toEqual(JSON.parse(plain));
        const sniffed = sniffRequest(body);
        if (!sniffed.ok) throw new Error(sniffed.fault.message);
        expect(estimateInput(body, false, sniffed)).toEqual(estimateInput(body, false));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is never less than the tokens that a real encoding makes of it', () => {
    fc.assert(
      fc.property(parts, texts, (list, system) => {
        const body = { ...messages(list.map(({ part }) => part)), system };
        expect(count(system, ...list.map((entry) => entry.text))).toBeLessThanOrEqual(estimate(body).tokensMost);
      }),
    );
  });
});

/** Some letters as their numbers, where they are no escape already: every letter of these bodies is in a string. */
function withEscapes(json: string, places: readonly number[]): string {
  const letters = [...json.matchAll(/(?<!\\.{0,5})[a-z_]/g)].map(({ index }) => index);
  const chosen = new Set(places.map((place) => letters[place % letters.length]));
  return json
    .split('')
    .map((character, at) => (chosen.has(at) ? `\\u00${character.charCodeAt(0).toString(16)}` : character))
    .join('');
}

/** Files of this repository stand for what clients send: prose, notes, code, data. */
const fileOf = (name: string): string => readFileSync(path.join(__dirname, '../../../..', name), 'utf8');
const LICENCE = fileOf('LICENSE');
const NOTES = fileOf('CONTRIBUTING.md');
const CODE = fileOf('libs/edge-api/src/core/image-weight.ts');
const DATA_FILE = fileOf('package.json');

/** One turn of a coding agent: instructions, a tool, a call of it and a file as its result. */
function agentTurn() {
  const input_schema = { type: 'object', properties: { path: { type: 'string', description: 'Where the file is.' } } };
  const tool = { name: 'read_file', description: 'Reads a file and gives its text.', input_schema };
  const call = { type: 'tool_use', id: 'toolu_1', name: 'read_file', input: { path: 'src/core/image-weight.ts' } };
  const body = {
    ...{ model: 'm', max_tokens: 9, stream: true, system: [text(NOTES)], tools: [tool] },
    messages: [
      { role: 'user', content: 'What does this file do?' },
      { role: 'assistant', content: [call] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: CODE }] },
    ],
  };
  return { body, tokens: count(NOTES, JSON.stringify(tool), 'What does this file do?', JSON.stringify(call), CODE) };
}

describe('the estimate for rates', () => {
  it.each([
    ['English', LICENCE],
    ['Markdown', NOTES],
    ['code', CODE],
    ['JSON', DATA_FILE],
    ['a conversation', undefined],
  ])('is 90 to 175 %% of the real count for %s', (_, content) => {
    const { body, tokens } = content === undefined ? agentTurn() : { body: messages(content), tokens: count(content) };
    const ratio = estimate(body).tokens / tokens;
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.75);
    expect(tokens).toBeLessThanOrEqual(estimate(body).tokensMost);
  });

  it.each([
    ['Hindi', 'नमस्ते, आप कैसे हैं? मुझे इस दस्तावेज़ का सारांश चाहिए। '],
    ['Chinese', '请用三句话概括下面的文章,并列出所有提到的日期和金额。'],
    ['digits', '3141592653589793238462643383279502884197'],
    ['noise', DATA.slice(0, 400)],
    ['emoji', '🦔🧮🪢🫎'],
  ])('is at least a third of the real count for %s', (_, piece) => {
    const content = piece.repeat(Math.ceil(8_000 / piece.length));
    const real = count(content);
    expect(estimate(messages(content)).tokens).toBeGreaterThanOrEqual(real / 3);
    expect(real).toBeLessThanOrEqual(estimate(messages(content)).tokensMost);
  });

  it('is at least a third of the real count for any text', () => {
    fc.assert(
      fc.property(texts, (content) => {
        expect(estimate(messages(content)).tokens).toBeGreaterThanOrEqual(count(content) / 3);
      }),
    );
  });
});
