import type { DialectId, OperationId } from '@switchboard/protocol';

export type RouteName =
  | 'messages'
  | 'count-tokens'
  | 'chat-completions'
  | 'responses'
  | 'input-tokens'
  | OperationId
  | 'response'
  | 'input-items'
  | 'models'
  | 'model'
  | 'catalog'
  | 'catalog-model'
  | 'hello'
  | 'not-yet';

/** What a path means. `dialect` is the one errors are told in. */
export interface Route {
  name: RouteName;
  dialect: DialectId;
  methods: readonly string[];
  /** Decoded model id of `/models/{id}`. */
  modelId?: string;
  /** Decoded id of `/responses/{id}`. */
  responseId?: string;
}

export type RouteMatch = { found: true; route: Route } | { found: false; dialect: DialectId; hint: string | undefined };

/** The headers that decide between the two shapes of `/v1/models`. */
export type RouteHeaders = Readonly<Record<string, string | string[] | undefined>>;

const POST = ['POST'] as const;
const GET = ['GET', 'HEAD'] as const;
const GET_OR_DELETE = ['GET', 'HEAD', 'DELETE'] as const;

const MESSAGES: Route = { name: 'messages', dialect: 'anthropic-messages', methods: POST };
const COUNT_TOKENS: Route = { name: 'count-tokens', dialect: 'anthropic-messages', methods: POST };
const CHAT_COMPLETIONS: Route = { name: 'chat-completions', dialect: 'openai-chat', methods: POST };
const RESPONSES: Route = { name: 'responses', dialect: 'openai-responses', methods: POST };
const INPUT_TOKENS: Route = { name: 'input-tokens', dialect: 'openai-responses', methods: POST };
const CATALOG: Route = { name: 'catalog', dialect: 'openai-chat', methods: GET };
const HELLO: Route = { name: 'hello', dialect: 'anthropic-messages', methods: GET };
const NOT_YET: Route = { name: 'not-yet', dialect: 'openai-chat', methods: ['POST', 'GET', 'DELETE'] };

const ANTHROPIC_PREFIXES = ['/api/anthropic', '/anthropic'];
const OPENAI_PREFIXES = ['/api/openai'];

const EXACT = new Map<string, Route>([
  ['/v1/messages', MESSAGES],
  ['/v1/messages/count_tokens', COUNT_TOKENS],
  ['/v1/chat/completions', CHAT_COMPLETIONS],
  ['/v1/responses', RESPONSES],
  ['/v1/responses/input_tokens', INPUT_TOKENS],
  ['/api/v1/models', CATALOG],
  ['/api/hello', HELLO],
]);

const ANTHROPIC_TAILS = new Map<string, Route>([
  ['/v1/messages', MESSAGES],
  ['/v1/messages/count_tokens', COUNT_TOKENS],
  ['/v1/models', { name: 'models', dialect: 'anthropic-messages', methods: GET }],
  ['/api/hello', HELLO],
  ['/v1/api/hello', HELLO],
]);

const OPENAI_TAILS = new Map<string, Route>([
  ['/v1/chat/completions', CHAT_COMPLETIONS],
  ['/v1/models', { name: 'models', dialect: 'openai-chat', methods: GET }],
  ['/v1/responses', RESPONSES],
  ['/v1/responses/input_tokens', INPUT_TOKENS],
  ['/v1/embeddings', { name: 'embeddings', dialect: 'openai-chat', methods: POST }],
  ['/v1/completions', { name: 'completions', dialect: 'openai-chat', methods: POST }],
  ['/v1/api/hello', HELLO],
]);

/** What is not for clients has none. */
export const ROUTE_PATHS: Readonly<Record<Exclude<RouteName, 'not-yet'>, string>> & { 'not-yet'?: string } = {
  messages: '/v1/messages',
  'count-tokens': '/v1/messages/count_tokens',
  'chat-completions': '/v1/chat/completions',
  responses: '/v1/responses',
  'input-tokens': '/v1/responses/input_tokens',
  embeddings: '/v1/embeddings',
  completions: '/v1/completions',
  response: '/v1/responses/{id}',
  'input-items': '/v1/responses/{id}/input_items',
  models: '/v1/models',
  model: '/v1/models/{id}',
  catalog: '/api/v1/models',
  'catalog-model': '/api/v1/models/{id}',
  hello: '/api/hello',
};

/** Every path a near miss is compared with, as a client would write it. */
const KNOWN_PATHS = [
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/models',
  '/api/v1/models',
  '/api/hello',
];

/** Whether it is a call, and no question about what there is. */
export function isCall({ methods }: Route): boolean {
  return methods === POST;
}

/** Routes on the path alone; the query is ignored. Model ids may be percent-encoded or hold plain slashes. */
export function matchRoute(url: string, headers: RouteHeaders): RouteMatch {
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  const exact = EXACT.get(path);
  if (exact !== undefined) return { found: true, route: exact };
  return matchNormalized(normalize(path), headers);
}

/** Doubled slashes, a trailing slash and a doubled `/v1` come from base URLs that already hold what the SDK appends. */
function normalize(path: string): string {
  let normal = path.replace(/\/{2,}/g, '/');
  while (normal.includes('/v1/v1/') || normal.endsWith('/v1/v1')) normal = normal.replace('/v1/v1', '/v1');
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function matchNormalized(path: string, headers: RouteHeaders): RouteMatch {
  const exact = EXACT.get(path);
  if (exact !== undefined) return { found: true, route: exact };

  const anthropicTail = tailAfter(path, ANTHROPIC_PREFIXES);
  if (anthropicTail !== undefined) return matchTail(path, anthropicTail, ANTHROPIC_TAILS, 'anthropic-messages');

  const openaiTail = tailAfter(path, OPENAI_PREFIXES);
  if (openaiTail !== undefined) {
    const versioned = openaiTail.startsWith('/v1/') ? openaiTail : `/v1${openaiTail}`;
    return matchTail(path, versioned, OPENAI_TAILS, 'openai-chat');
  }

  const catalogId = modelIdAfter(path, '/api/v1/models/');
  if (catalogId !== undefined) {
    return { found: true, route: { name: 'catalog-model', dialect: 'openai-chat', methods: GET, modelId: catalogId } };
  }

  const dialect = dialectOf(path, headers);
  return matchTail(path, path, dialect === 'anthropic-messages' ? ANTHROPIC_TAILS : OPENAI_TAILS, dialect);
}

function matchTail(path: string, tail: string, tails: ReadonlyMap<string, Route>, dialect: DialectId): RouteMatch {
  const route = tails.get(tail);
  if (route !== undefined) return { found: true, route };
  const modelId = modelIdAfter(tail, '/v1/models/');
  if (modelId !== undefined) return { found: true, route: { name: 'model', dialect, methods: GET, modelId } };
  const stored = storedResponse(tail);
  if (stored !== undefined) return { found: true, route: stored };
  if (tail.startsWith('/v1/responses/')) return { found: true, route: NOT_YET };
  return { found: false, dialect, hint: closestPath(path) };
}

/** `/v1/responses/{id}`, and its input items. */
function storedResponse(tail: string): Route | undefined {
  const [, id, items] = /^\/v1\/responses\/([^/]+)(\/input_items)?$/.exec(tail) ?? [];
  if (id === undefined) return undefined;
  const responseId = decoded(id);
  if (items !== undefined) return { name: 'input-items', dialect: 'openai-responses', methods: GET, responseId };
  return { name: 'response', dialect: 'openai-responses', methods: GET_OR_DELETE, responseId };
}

function tailAfter(path: string, prefixes: readonly string[]): string | undefined {
  for (const prefix of prefixes) if (path.startsWith(`${prefix}/`)) return path.slice(prefix.length);
  return undefined;
}

function modelIdAfter(path: string, prefix: string): string | undefined {
  if (!path.startsWith(prefix) || path.length === prefix.length) return undefined;
  return decoded(path.slice(prefix.length));
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    // A stray percent sign is part of the id, which then is simply unknown.
    return encoded;
  }
}

function dialectOf(path: string, headers: RouteHeaders): DialectId {
  if (headers['anthropic-version'] !== undefined || headers['x-api-key'] !== undefined) return 'anthropic-messages';
  if (path.includes('/message')) return 'anthropic-messages';
  return path.includes('/response') ? 'openai-responses' : 'openai-chat';
}

/** The known path the client most likely meant, or undefined where nothing is near. */
function closestPath(path: string): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const known of KNOWN_PATHS) {
    const distance = Math.min(editDistance(path, known), editDistance(lastSegments(path), lastSegments(known)));
    if (distance < bestDistance) {
      bestDistance = distance;
      best = known;
    }
  }
  return bestDistance <= 4 ? best : undefined;
}

/** `/openai/v1/chat/completions` and `/chat/completions` both end in what matters. */
function lastSegments(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== 'v1' && segment !== 'api');
  return segments.slice(-2).join('/');
}

function editDistance(left: string, right: string): number {
  // Paths are bounded by the HTTP parser; what is far longer than any known path is no near miss.
  if (left.length > 64) return Number.POSITIVE_INFINITY;
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const current = [i];
    for (let j = 1; j <= right.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? Number.POSITIVE_INFINITY;
}
