import { ANY_NAMES, weighImages } from './image-weight';

/** Bytes of JSON text to a token: English prose has 5, code 4 to 5, Markdown and JSON 3.5 to 4.5. */
const BYTES_PER_TOKEN = 3;
const BYTES_PER_TOKEN_LIKELY = 4;
/** What an image in usual resolutions costs, and the most that a current model takes for one (Anthropic: 4,784). */
const TOKENS_PER_IMAGE = 1_600;
const TOKENS_PER_IMAGE_MOST = 5_000;
/** What a provider's own instructions for tools add (Anthropic publishes up to 700). */
const TOKENS_FOR_TOOLS_MOST = 1_000;

export interface InputEstimate {
  /**
   * For rates. Of the real count it is 90 to 175 %, mostly 125 to 150 %, for English, code and JSON of a page and more
   * (measured with cl100k_base and o200k_base; of a line it is a multiple, since the names of members count too). For
   * text that has fewer bytes to a token (other scripts 85 %, noise 55 %) it may be as little as a third, as no token of a
   * byte-level vocabulary has less than one byte. Settling puts it right.
   */
  tokens: number;
  /** For money: text never has more tokens than bytes, since every token of a byte-level vocabulary is at least one. */
  tokensMost: number;
}

/**
 * Of a request body in either dialect, as bytes: costs no parsing. Images count by themselves, not by their bytes.
 * Documents count by their bytes: their text is in them. `marks`: as of `weighImages`.
 */
export function estimateInput(body: Buffer, hasTools: boolean, marks = ANY_NAMES): InputEstimate {
  const images = weighImages(body, marks);
  const textBytes = body.length - images.bytes;
  return {
    tokens: Math.ceil(textBytes / BYTES_PER_TOKEN) + images.count * TOKENS_PER_IMAGE,
    tokensMost: textBytes + images.count * TOKENS_PER_IMAGE_MOST + (hasTools ? TOKENS_FOR_TOOLS_MOST : 0),
  };
}

/** For the bill of a call whose upstream never told: in the middle, where the estimates above are on one side. */
export function likelyInputTokens(body: Buffer): number {
  const images = weighImages(body);
  return Math.ceil((body.length - images.bytes) / BYTES_PER_TOKEN_LIKELY) + images.count * TOKENS_PER_IMAGE;
}
