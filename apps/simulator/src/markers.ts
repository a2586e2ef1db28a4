import { refuse } from './api-failure';
import type { Turn } from './prompt';

/**
 * One `[[tool:NAME {"json":"args"}]]` in a user's text. `arguments` is the text between the name and `]]`, `{}` if none; a
 * JSON string in it is what a tool of free text gets.
 */
export interface Marker {
  name: string;
  arguments: string;
}

const OPENING = '[[tool:';
const CLOSING = ']]';
const PARALLEL = '[[parallel]]';

/**
 * The calls the user's markers demand now. Counted are markers of the last user turn that has any, in text the user
 * wrote (agents' `<system-reminder>` context is not). One marker per round, in order; all at once when the text also
 * says `[[parallel]]`. A round is an assistant turn with tool calls since then; after the last round, nothing.
 */
export function pendingMarkers(turns: Turn[]): Marker[] {
  for (let at = turns.length - 1; at >= 0; at -= 1) {
    const turn = turns[at];
    if (turn?.role !== 'user') continue;
    const text = authoredText(turn);
    const markers = readMarkers(text);
    if (markers.length === 0) continue;
    const rounds = turns.slice(at + 1).filter((later) => later.calls > 0).length;
    if (text.includes(PARALLEL)) return rounds === 0 ? markers : [];
    return markers.slice(rounds, rounds + 1);
  }
  return [];
}

/** What agents put around the user's words: Claude Code's reminders, Codex's surroundings. */
const AGENT_CONTEXT = /<(system-reminder|environment_context)>[\s\S]*?(?:<\/\1>|$)/g;

/** What the user wrote, without the context that agents put around it. */
export function authoredText(turn: Turn): string {
  return turn.texts
    .map((text) => text.replaceAll(AGENT_CONTEXT, '').trim())
    .filter((text) => text !== '')
    .join('\n');
}

function readMarkers(text: string): Marker[] {
  const markers: Marker[] = [];
  let at = text.indexOf(OPENING);
  while (at !== -1) {
    const name = /^[^\s\]]+/.exec(text.slice(at + OPENING.length))?.[0] ?? '';
    const start = at + OPENING.length + name.length;
    const end = closing(text, start);
    if (name === '' || end === -1) refuse(`Simulator: a tool marker is not closed: ${text.slice(at, at + 60)}`);
    const body = text.slice(start, end).trim() || '{}';
    if (!isJson(body)) refuse(`Simulator: the arguments of the marker for tool '${name}' are not JSON.`);
    markers.push({ name, arguments: body });
    at = text.indexOf(OPENING, end);
  }
  return markers;
}

/** The `]]` that ends a marker, not one inside a JSON string or a nested array. */
function closing(text: string, from: number): number {
  for (let end = text.indexOf(CLOSING, from); end !== -1; end = text.indexOf(CLOSING, end + 1)) {
    const body = text.slice(from, end).trim();
    if (body === '' || isJson(body)) return end;
  }
  return text.indexOf(CLOSING, from);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
