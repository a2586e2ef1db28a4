import { isObject } from './json';
import type { Marker } from './markers';
import type { Tool } from './prompt';

/** Behind a name that was shortened: what keeps it apart from others. */
const SUFFIX = '(_[a-z0-9]{7})?';

/**
 * The tool that a marker means: of this very name, or else of this name in a group, as whoever translates to a dialect
 * without groups writes it (`functions_exec_0dhci06`).
 */
export function markedTool(tools: readonly Tool[], { name }: Marker): Tool | undefined {
  const exact = tools.find((tool) => tool.name === name);
  if (exact || !/^\w+$/.test(name)) return exact;
  const grouped = new RegExp(`_${name}${SUFFIX}$`);
  return tools.find((tool) => grouped.test(tool.name));
}

/**
 * What a marked tool is called with. A JSON object is passed on as it is written. A JSON string is text: a tool that takes
 * free text gets it, and one with a schema gets it as the only thing that it requires, so that one marker asks for the
 * same call of a tool whether or not somebody on the way has made a function of it.
 */
export function markedArguments(tool: Tool, marker: Marker): string {
  const value: unknown = JSON.parse(marker.arguments);
  if (typeof value !== 'string') return marker.arguments;
  if (tool.freeForm) return value;
  const required: unknown = tool.schema?.['required'];
  const [only, ...others] = Array.isArray(required) ? (required as unknown[]) : [];
  const properties = tool.schema?.['properties'];
  const takesText = typeof only === 'string' && others.length === 0 && isObject(properties) && only in properties;
  return takesText ? JSON.stringify({ [only]: value }) : marker.arguments;
}
