import type { Fault } from './dialect';
import { isJsonObject } from './json';
import { DEFAULT_MAX_JSON_DEPTH, JsonScanner, type JsonScan } from './json-scan';
import type { StringMarks } from './json-walker';
import { readJsonNumber, readJsonString, readJsonValue, type JsonSpan } from './json-span';

const FIELDS = [
  'model',
  'stream',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'messages',
  'input',
  'instructions',
  'previous_response_id',
  'tools',
  'system',
  'stream_options',
  'n',
  'thread',
  'user',
  'safety_identifier',
  'metadata',
  'metadata.user_id',
  'prompt_cache_key',
  'models',
] as const;

export type SniffedField = (typeof FIELDS)[number];

export type ListState = 'absent' | 'empty' | 'filled';

/** What admission, planning and pass-through need of a request, read from its bytes. Absent and null are the same. */
export interface SniffedRequest extends StringMarks {
  ok: true;
  model: string | undefined;
  /** The value of `model`, quotes included: what pass-through replaces. */
  modelSpan: JsonSpan | undefined;
  stream: boolean;
  /** Tokens: `max_completion_tokens`, else `max_tokens`. */
  maxTokens: number | undefined;
  /** Tokens: Responses `max_output_tokens`. */
  maxOutputTokens: number | undefined;
  messages: ListState;
  /** Responses `input`; `unknown`: neither text nor list, which other dialects may well have there. */
  input: ListState | 'unknown';
  tools: ListState;
  system: boolean;
  /** Chat `stream_options.include_usage`. */
  includeUsage: boolean;
  /** Chat `n`, 1 where absent. */
  replyCount: number;
  /** A server-side thread is asked for (Anthropic `thread`), which a stateless gateway has to refuse. */
  thread: boolean;
  /** The value of each field, null values included. */
  spans: Readonly<Record<SniffedField, JsonSpan | undefined>>;
}

export type Sniffed = SniffedRequest | { ok: false; fault: Fault };

export interface SniffLimits {
  /** Levels of nesting, the body itself being the first. */
  maxDepth?: number;
}

const defaultScanner = new JsonScanner(FIELDS);

/**
 * Reads a request body of any dialect as bytes: the same-dialect path needs no more. Checks the JSON structure of all
 * of it (see JsonScanner for what that leaves out) and the types of the fields it reads; a fault names the parameter.
 */
export function sniffRequest(body: Buffer, limits: SniffLimits = {}): Sniffed {
  const { maxDepth = DEFAULT_MAX_JSON_DEPTH } = limits;
  const scanner = maxDepth === DEFAULT_MAX_JSON_DEPTH ? defaultScanner : new JsonScanner(FIELDS, maxDepth);
  const scan = scanner.scan(body);
  return scan.ok
    ? readFields(new FieldReader(body, scan.spans), scan)
    : { ok: false, fault: scanFault(body, scan, maxDepth) };
}

function readFields(reader: FieldReader, marks: StringMarks): Sniffed {
  const maxTokens = reader.integer('max_tokens', 0);
  const request: SniffedRequest = {
    ok: true,
    model: reader.string('model'),
    modelSpan: reader.spans.model,
    stream: reader.boolean('stream'),
    maxTokens: reader.integer('max_completion_tokens', 0) ?? maxTokens,
    maxOutputTokens: reader.integer('max_output_tokens', 0),
    messages: reader.list('messages'),
    input: reader.textOrList('input'),
    tools: reader.list('tools'),
    system: reader.isPresent('system'),
    includeUsage: reader.includeUsage(),
    replyCount: reader.integer('n', 1) ?? 1,
    thread: reader.isPresent('thread'),
    mayHoldEnvelope: marks.mayHoldEnvelope,
    mayHoldImages: marks.mayHoldImages,
    mayHideNames: marks.mayHideNames,
    spans: reader.spans,
  };
  return reader.fault === undefined ? request : { ok: false, fault: reader.fault };
}

function scanFault(body: Buffer, scan: JsonScan<SniffedField> & { ok: false }, maxDepth: number): Fault {
  if (body.length === 0)
    return { message: 'The request body is empty; a JSON object is expected', code: 'malformed_body' };
  switch (scan.reason) {
    case 'depth':
      return { message: `The request body is nested deeper than ${maxDepth} levels`, code: 'malformed_body' };
    case 'not-an-object':
      return { message: 'The request body must be a JSON object', code: 'malformed_body' };
    case 'syntax':
      return { message: `The request body is not valid JSON (fault at byte ${scan.offset})`, code: 'malformed_body' };
  }
}

const QUOTE = 34;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const LOWER_F = 102;
const LOWER_N = 110;
const LOWER_T = 116;

/** Reads on after a fault and keeps the first. */
class FieldReader {
  fault: Fault | undefined;

  constructor(
    private readonly body: Buffer,
    readonly spans: Record<SniffedField, JsonSpan | undefined>,
  ) {}

  isPresent(field: SniffedField): boolean {
    return this.find(field) !== undefined;
  }

  string(field: SniffedField): string | undefined {
    const span = this.find(field);
    if (span === undefined) return undefined;
    const value = readJsonString(this.body, span);
    if (value === undefined) this.fail(field, 'a string');
    return value;
  }

  boolean(field: SniffedField): boolean {
    const span = this.find(field);
    if (span === undefined) return false;
    const first = this.body[span.start];
    if (first !== LOWER_T && first !== LOWER_F) this.fail(field, 'a boolean');
    return first === LOWER_T;
  }

  integer(field: SniffedField, least: number): number | undefined {
    const span = this.find(field);
    if (span === undefined) return undefined;
    const value = readJsonNumber(this.body, span);
    if (value !== undefined && Number.isSafeInteger(value) && value >= least) return value;
    this.fail(field, `an integer of at least ${least}`);
    return undefined;
  }

  list(field: SniffedField): ListState {
    const span = this.find(field);
    if (span === undefined) return 'absent';
    if (this.body[span.start] !== OPEN_BRACKET) this.fail(field, 'an array');
    return this.listAt(span);
  }

  textOrList(field: SniffedField): ListState | 'unknown' {
    const span = this.find(field);
    if (span === undefined) return 'absent';
    switch (this.body[span.start]) {
      case QUOTE:
        return 'filled';
      case OPEN_BRACKET:
        return this.listAt(span);
      default:
        return 'unknown';
    }
  }

  includeUsage(): boolean {
    const span = this.find('stream_options');
    if (span === undefined) return false;
    const options = readJsonValue(this.body, span);
    if (!isJsonObject(options)) {
      this.fail('stream_options', 'an object');
      return false;
    }
    const include = options['include_usage'] ?? false;
    if (typeof include !== 'boolean') this.fail('stream_options.include_usage', 'a boolean');
    return include === true;
  }

  private listAt({ start }: JsonSpan): ListState {
    let position = start + 1;
    while ((this.body[position] ?? CLOSE_BRACKET) <= 0x20) position += 1;
    return this.body[position] === CLOSE_BRACKET ? 'empty' : 'filled';
  }

  /** The span where the value is there and not null. */
  private find(field: SniffedField): JsonSpan | undefined {
    const span = this.spans[field];
    return span === undefined || this.body[span.start] === LOWER_N ? undefined : span;
  }

  private fail(param: string, expected: string): void {
    this.fault ??= { message: `${param}: must be ${expected}`, param };
  }
}
