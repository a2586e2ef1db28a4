import type { Conversation, FunctionTool, Tool, ToolChoice } from '../../conversation';
import type { JsonObject } from '../../json';
import { isDispensable, SERVER_TOOL_LOSS } from '../../server-tools';
import { cacheControl, type Encoding } from './encoding';
import { DIALECT_ID } from './wire';

/** `tools` and `tool_choice`, into `body`. A choice without tools is refused by the API and means nothing: it is left out. */
export function encodeTools(body: JsonObject, conversation: Conversation, encoding: Encoding): void {
  const tools = conversation.tools.flatMap((tool, index) =>
    encodeTool(tool, `tools[${index}]`, conversation, encoding),
  );
  if (tools.length === 0) return;
  body['tools'] = tools;
  const toolChoice = encodeToolChoice(conversation, encoding);
  if (toolChoice !== undefined) body['tool_choice'] = toolChoice;
}

function encodeTool(tool: Tool, path: string, conversation: Conversation, encoding: Encoding): JsonObject[] {
  switch (tool.type) {
    case 'function':
      return [encodeFunctionTool(tool, path, encoding)];
    case 'custom':
      encoding.refuse(`the free-text tool "${tool.name}" is not supported by this model`, path);
      return [];
    case 'server':
      if (tool.dialect === DIALECT_ID) return [tool.wire];
      if (isDispensable(tool, conversation)) encoding.lose(SERVER_TOOL_LOSS, path);
      else encoding.refuse(`the tool "${tool.name}" runs at another provider and is not supported by this model`, path);
      return [];
  }
}

function encodeFunctionTool(tool: FunctionTool, path: string, encoding: Encoding): JsonObject {
  const wire: JsonObject = { name: encoding.toolName(tool.name) };
  if (tool.description !== undefined) wire['description'] = tool.description;
  // Chat leaves the type out where a function takes no arguments; the API insists on it.
  wire['input_schema'] = 'type' in tool.inputSchema ? tool.inputSchema : { type: 'object', ...tool.inputSchema };
  if (tool.strict !== undefined) wire['strict'] = tool.strict;
  if (tool.deferLoading !== undefined) wire['defer_loading'] = tool.deferLoading;
  if (tool.cache !== undefined) wire['cache_control'] = cacheControl(tool.cache);
  if (tool.namespaceDescription !== undefined) encoding.lose('namespace.description', `${path}.namespace.description`);
  encoding.loseUnmapped(tool.unmapped);
  return wire;
}

function encodeToolChoice({ toolChoice, parallelToolCalls }: Conversation, encoding: Encoding): JsonObject | undefined {
  if (toolChoice === undefined && parallelToolCalls !== false) return undefined;
  const wire = choiceWire(toolChoice ?? { type: 'auto' }, encoding);
  // `none` calls nothing, so it has no such member.
  if (parallelToolCalls !== undefined && toolChoice?.type !== 'none')
    wire['disable_parallel_tool_use'] = !parallelToolCalls;
  return wire;
}

function choiceWire(choice: ToolChoice, encoding: Encoding): JsonObject {
  switch (choice.type) {
    case 'auto':
      return { type: 'auto' };
    case 'none':
      return { type: 'none' };
    case 'required':
      return { type: 'any' };
    case 'tool':
      return { type: 'tool', name: encoding.toolName(choice.name) };
  }
}
