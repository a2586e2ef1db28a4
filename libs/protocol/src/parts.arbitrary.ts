import fc from 'fast-check';
import type { CacheHint, DocumentPart, ImagePart, MediaSource, Part, TextPart } from './conversation';
import type { DialectId } from './dialect';
import type { JsonObject } from './json';

/** Drops keys that are undefined, so that "absent" has one form in comparisons. */
export function defined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Value;
}

export function optional<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

export const arbitraryText = fc
  .oneof(
    { weight: 5, arbitrary: fc.lorem({ maxCount: 4, mode: 'words' }) },
    { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('"quoted" \\ and\nlines', '{"usage":{}}', 'data: [DONE]\n\nevent: x', '😀é\u2028'),
    },
  )
  .filter((text) => text.trim() !== '');

export const arbitraryBase64 = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));
export const arbitraryCacheHint: fc.Arbitrary<CacheHint | undefined> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom<CacheHint>({}, { ttl: '5m' }, { ttl: '1h' }) },
);
/** As it reads after a trip through JSON text, which knows no -0. */
export const arbitraryJsonObject: fc.Arbitrary<JsonObject> = fc
  .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((object) => JSON.parse(JSON.stringify(object)) as JsonObject);

export const arbitraryTextPart: fc.Arbitrary<TextPart> = fc
  .record({ type: fc.constant('text' as const), text: arbitraryText, cache: arbitraryCacheHint })
  .map(defined);

function mediaSource(mediaTypes: readonly string[]): fc.Arbitrary<MediaSource> {
  return fc.oneof(
    fc.record({
      type: fc.constant('base64' as const),
      mediaType: fc.constantFrom(...mediaTypes),
      data: arbitraryBase64,
    }),
    fc.record({ type: fc.constant('url' as const), url: fc.webUrl() }),
    fc.record({ type: fc.constant('file' as const), fileId: fc.stringMatching(/^file_[a-z0-9]{4}$/) }),
  );
}

export const arbitraryImagePart: fc.Arbitrary<ImagePart> = fc
  .record({
    type: fc.constant('image' as const),
    source: mediaSource(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
    detail: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom('low', 'high')),
    cache: arbitraryCacheHint,
  })
  .map(defined);

export const arbitraryDocumentPart: fc.Arbitrary<DocumentPart> = fc
  .record({
    type: fc.constant('document' as const),
    source: fc.oneof<fc.Arbitrary<DocumentPart['source']>[]>(
      mediaSource(['application/pdf']),
      fc.record({ type: fc.constant('text' as const), mediaType: fc.constant('text/plain'), text: arbitraryText }),
      fc.record({
        type: fc.constant('parts' as const),
        parts: fc.array(arbitraryTextPart, { minLength: 1, maxLength: 2 }),
      }),
    ),
    title: optional(arbitraryText),
    context: optional(arbitraryText),
    citations: optional(fc.boolean()),
    cache: arbitraryCacheHint,
  })
  .map(defined);

/** Names within every dialect's rules, and names that must be shortened or cleaned. */
export const arbitraryToolName = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z]{1,4}[./: ][a-z]{1,4}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z_]{65,150}$/) },
);

/** Arguments as models write them: mostly an object, sometimes nothing, cut off, or no object. */
export const arbitraryArguments = fc.oneof(
  { weight: 6, arbitrary: arbitraryJsonObject.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.constantFrom('', '{"path":"/tmp', '[1,2]', '"text"', '{}') },
);

function thinkingSignedBy(signer: fc.Arbitrary<DialectId>): fc.Arbitrary<Part> {
  return fc
    .record({
      type: fc.constant('thinking' as const),
      text: arbitraryText,
      signed: optional(fc.record({ signature: arbitraryBase64, signedBy: signer })),
    })
    .map(({ signed, ...part }) => ({ ...part, ...signed }));
}

const arbitraryRedactedThinking: fc.Arbitrary<Part> = fc.record({
  type: fc.constant('redacted-thinking' as const),
  data: arbitraryBase64,
  signedBy: fc.constant('anthropic-messages' as const),
});

/** As a model gives it. */
export const arbitraryThinkingPart: fc.Arbitrary<Part> = fc.oneof(
  thinkingSignedBy(fc.constant('anthropic-messages')),
  arbitraryRedactedThinking,
);

/** As it stands in a history that several providers may have had a part in. */
export const arbitraryPastThinkingPart: fc.Arbitrary<Part> = fc.oneof(
  thinkingSignedBy(fc.constantFrom('anthropic-messages', 'openai-responses')),
  arbitraryRedactedThinking,
);

export const arbitraryAssistantText: fc.Arbitrary<Part> = fc.oneof(
  { weight: 6, arbitrary: arbitraryTextPart },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('refusal' as const), text: arbitraryText }) },
);
