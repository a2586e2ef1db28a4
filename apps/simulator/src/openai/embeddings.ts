import { createHash } from 'node:crypto';
import { refuse } from '../api-failure';
import type { Incoming, Plan } from '../dialect';
import { textOf } from '../json';
import { inputTokens, NO_USAGE } from '../tokens';
import { missing } from './refusals';

const DIMENSIONS_DEFAULT = 1536;
const DIMENSIONS_MAX = 4096;

/** `POST /v1/embeddings`: the same text always gets the same unit vector. */
export function planEmbeddings({ body, scenario }: Incoming): Plan {
  const model = textOf(body['model']);
  if (model === '') refuse('you must provide a model parameter');
  const inputs = readInputs(body['input']);
  const dimensions = readDimensions(body['dimensions']);
  const format = body['encoding_format'] ?? 'float';
  if (format !== 'float' && format !== 'base64') {
    const text = `Invalid value: '${textOf(format)}'. Supported values are: 'float' and 'base64'.`;
    refuse(text, 'encoding_format', 'invalid_value');
  }
  const data = inputs.map((input, index) => {
    const vector = embed(JSON.stringify(input), dimensions);
    const embedding = format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const counted = inputs.reduce<number>(
    (sum, input) => sum + (typeof input === 'string' ? inputTokens(input) : input.length),
    0,
  );
  const tokens = scenario.inputTokens ?? counted;
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  const reply = { kind: 'body' as const, body: Buffer.from(JSON.stringify({ object: 'list', data, model, usage })) };
  return { scenario, model, usage: { ...NO_USAGE, input: tokens }, reply };
}

/** A text, texts, a token list or token lists, as one list. */
function readInputs(input: unknown): (string | number[])[] {
  if (input === undefined) missing('input');
  const list: unknown[] = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input];
  if (list.length === 0) refuse("Invalid 'input': input cannot be an empty array.", 'input', 'invalid_value');
  return list.map((one) => {
    if (typeof one === 'string')
      return one === '' ? refuse("Invalid 'input': input cannot be an empty string.", 'input') : one;
    if (Array.isArray(one) && one.length > 0 && one.every(Number.isInteger)) return one as number[];
    return refuse("'$.input' is invalid. Please check the API reference.", 'input');
  });
}

function readDimensions(value: unknown): number {
  if (value == null) return DIMENSIONS_DEFAULT;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= DIMENSIONS_MAX) return value;
  return refuse(`Invalid value for 'dimensions': expected an integer between 1 and ${DIMENSIONS_MAX}.`, 'dimensions');
}

function embed(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  let state = createHash('sha256').update(text).digest().readUInt32LE(0) | 1;
  let squares = 0;
  for (let at = 0; at < dimensions; at += 1) {
    // xorshift32: uniform enough for test vectors, and the same on every machine.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const value = state / 0x8000_0000;
    vector[at] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}
