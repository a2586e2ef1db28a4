import type { Conversation, ServerTool } from './conversation';

/** What the model is offered, and must use of it. */
export type Offer = Pick<Conversation, 'tools' | 'toolChoice'>;

/** The feature of the loss where a server tool is left out. */
export const SERVER_TOOL_LOSS = 'server_tool';

/**
 * Whether the model can do its work without a server tool that the upstream cannot run: the tool is offered beside tools of
 * the client's own, and no call of it is demanded. Agents offer web search with every request, and seldom use it. Where it
 * is all that is offered, the request is about it.
 */
export function isDispensable(tool: ServerTool, { tools, toolChoice }: Offer): boolean {
  if (toolChoice?.type === 'tool' && toolChoice.name === tool.name) return false;
  return tools.some(({ type }) => type !== 'server');
}
