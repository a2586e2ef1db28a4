import type { Decoded, Fault, TapContext, TappedReply } from '../dialect';
import { costEdit, isSame, readFailure } from '../dialects/openai-chat/tap-payload';
import { isJsonObject, type JsonValue } from '../json';
import { JsonScanner } from '../json-scan';
import { editOf, readJsonString, readJsonValue, spliceBytes, type ByteEdit, type JsonSpan } from '../json-span';
import { jsonOfName } from '../json-text';
import { emptyUsage, type Usage } from '../usage';
import type { OperationCall } from './operation';
import { convertVectors, vectorFormatOf, type VectorFormat } from './vectors';

const REQUEST_SCANNER = new JsonScanner(['input', 'encoding_format']);
const REPLY_SCANNER = new JsonScanner(['model', 'usage', 'data', 'error']);

const LOWER_N = 110;

/** `POST /v1/embeddings`. */
class EmbeddingsCall implements OperationCall {
  readonly id = 'embeddings';
  readonly replyCount = 0;

  constructor(private readonly format: VectorFormat) {}

  /**
   * The upstream's bytes with the model's name and `usage.cost_usd` put in, and its vectors in the form that the client
   * asked for where it wrote the other: openai 4.x makes wrong vectors of numbers where it asked for base64.
   */
  tapReply(body: Buffer, context: TapContext): TappedReply {
    const scan = REPLY_SCANNER.scan(body);
    const { model, usage: usageSpan, data, error } = scan.ok ? scan.spans : {};
    if (data === undefined || (error && body[error.start] !== LOWER_N)) {
      return failed(body, scan.ok ? readFailure(body, { start: 0, end: body.length }) : undefined);
    }
    const edits: ByteEdit[] = [];
    const modelName = jsonOfName(context.model);
    if (model && !isSame(body, model, modelName)) edits.push(editOf(model, modelName));
    const usageValue = usageSpan && readJsonValue(body, usageSpan);
    const usage = decodeUsage(usageValue);
    const cost = usageSpan && usage && costEdit(usageValue, usage, usageSpan, context);
    if (cost) edits.push(cost);
    const given = vectorFormatOf(body, data.start, data.end);
    if (given !== this.format) {
      const vectors = convertVectors(readJsonValue(body, data), this.format);
      if (vectors === undefined) return failed(body);
      edits.push(editOf(data, JSON.stringify(vectors)));
    }
    edits.sort((left, right) => left.start - right.start);
    return { body: spliceBytes(body, edits), usage, finish: 'stop', failure: undefined };
  }

  writtenBytes(): number {
    return 0;
  }
}

export function readEmbeddingsCall(body: Buffer): Decoded<OperationCall> {
  const scan = REQUEST_SCANNER.scan(body);
  const { input, encoding_format: format } = scan.ok ? scan.spans : {};
  const fault = inputFault(body, input);
  if (fault !== undefined) return { ok: false, fault };
  const wanted = format === undefined || body[format.start] === LOWER_N ? 'float' : readJsonString(body, format);
  if (wanted !== 'float' && wanted !== 'base64') {
    const message = "encoding_format: must be 'float' or 'base64'";
    return { ok: false, fault: { message, param: 'encoding_format' } };
  }
  return { ok: true, value: new EmbeddingsCall(wanted) };
}

/** What can be told without reading it all; the rest is the upstream's to judge. */
function inputFault(body: Buffer, span: JsonSpan | undefined): Fault | undefined {
  const param = 'input';
  if (span === undefined || body[span.start] === LOWER_N) {
    return { message: "Missing required parameter: 'input'.", param };
  }
  const text = body.toString('utf8', span.start, Math.min(span.end, span.start + 2));
  if (!text.startsWith('"') && !text.startsWith('[')) return { message: 'input: must be a string or an array', param };
  return text === '""' ? { message: "Invalid 'input': input cannot be an empty string.", param } : undefined;
}

/** Whatever it counts is input; servers that tell a total only mean the same. Undefined: it counts nothing. */
function decodeUsage(value: JsonValue | undefined): Usage | undefined {
  if (!isJsonObject(value)) return undefined;
  const inputTokens = [value.prompt_tokens, value.total_tokens].find(
    (count): count is number => typeof count === 'number' && Number.isSafeInteger(count) && count > 0,
  );
  return inputTokens === undefined ? undefined : { ...emptyUsage(), inputTokens };
}

function failed(body: Buffer, reported?: TappedReply['failure']): TappedReply {
  const failure = reported ?? {
    kind: 'malformed' as const,
    message: 'The upstream sent something that is not a list of embeddings.',
  };
  return { body, usage: undefined, finish: undefined, failure };
}
