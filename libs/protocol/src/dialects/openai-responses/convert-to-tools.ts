import {
  TOOL_SEARCH,
  type Conversation,
  type CustomTool,
  type FunctionTool,
  type ServerTool,
  type Tool,
  type ToolChoice,
} from '../../conversation';
import type { JsonObject, JsonValue } from '../../json';
import { isDispensable, SERVER_TOOL_LOSS, type Offer } from '../../server-tools';
import type { Encoding } from '../openai/encoding';
import { DIALECT_ID, resolveToolName, splitToolName } from './wire';

/** `tools`, `tool_choice` and `parallel_tool_calls`, as far as the conversation has them. */
export function encodeTools(conversation: Conversation, encoding: Encoding): JsonObject {
  const { toolChoice, parallelToolCalls } = conversation;
  const found = namesFound(conversation);
  const tools = encodeToolList(conversation.tools, 'tools', conversation, encoding, found);
  if (tools.length === 0) {
    // The API refuses a choice without tools; only a demanded call would be missed.
    if (toolChoice?.type === 'required' || toolChoice?.type === 'tool') {
      encoding.refuse(`'tool_choice' demands a tool call, but no tools are given.`, 'tool_choice');
    }
    return {};
  }
  const body: JsonObject = { tools };
  if (toolChoice) body.tool_choice = encodeToolChoice(toolChoice, conversation.tools, encoding);
  if (parallelToolCalls !== undefined) body.parallel_tool_calls = parallelToolCalls;
  return body;
}

/** Of the tools that a search of the client's found: they stand in its output. */
function namesFound({ messages }: Conversation): ReadonlySet<string> {
  const names = new Set<string>();
  const searches = new Set<string>();
  for (const { parts } of messages) {
    for (const part of parts) {
      if (part.type === 'tool-call' && part.name === TOOL_SEARCH) searches.add(part.id);
      if (part.type !== 'tool-result' || !searches.has(part.callId)) continue;
      for (const inner of part.parts) if (inner.type === 'tool-reference') names.add(inner.toolName);
    }
  }
  return names;
}

/** Tools as the API lists them: those of one namespace together, at the place of its first. */
export function encodeToolList(
  tools: readonly Tool[],
  path: string,
  offer: Offer,
  encoding: Encoding,
  except?: ReadonlySet<string>,
): JsonObject[] {
  const wires: JsonObject[] = [];
  const namespaces = new Map<string, NamespaceWire>();
  tools.forEach((tool, index) => {
    const toolPath = `${path}[${index}]`;
    if (tool.type === 'server') {
      wires.push(...encodeServerTool(tool, toolPath, offer, encoding));
      return;
    }
    if (except?.has(tool.name)) return;
    const wire = encodeTool(tool, toolPath, encoding);
    const name = namespaceOf(tool, encoding);
    const { namespaceDescription: description = '' } = tool;
    const namespace = name === undefined ? undefined : (namespaces.get(name) ?? openNamespace(name, description));
    if (description !== '' && description !== namespace?.description) {
      encoding.lose('namespace.description', `${toolPath}.namespace.description`);
    }
    if (namespace === undefined) {
      wires.push(wire);
      return;
    }
    if (namespace.tools.length === 0) wires.push({ ...namespace });
    namespace.tools.push(wire);
    namespaces.set(namespace.name, namespace);
  });
  return wires;
}

interface NamespaceWire {
  type: 'namespace';
  name: string;
  description: string;
  tools: JsonObject[];
}

function openNamespace(name: string, description: string): NamespaceWire {
  return { type: 'namespace', name, description, tools: [] };
}

function namespaceOf({ name }: Tool, encoding: Encoding): string | undefined {
  return splitToolName(encoding.toolName(name)).namespace;
}

function encodeServerTool(tool: ServerTool, path: string, offer: Offer, encoding: Encoding): JsonObject[] {
  if (tool.dialect === DIALECT_ID) return [tool.wire];
  if (isDispensable(tool, offer)) encoding.lose(SERVER_TOOL_LOSS, path);
  else {
    encoding.refuse(
      `Tool '${tool.name}' runs at the provider that offers it; the upstream of this model cannot run it.`,
      path,
    );
  }
  return [];
}

function encodeTool(tool: FunctionTool | CustomTool, path: string, encoding: Encoding): JsonObject {
  const { description, deferLoading } = tool;
  const shared: JsonObject = {
    ...(description !== undefined && { description }),
    ...(deferLoading !== undefined && { defer_loading: deferLoading }),
  };
  const { name } = splitToolName(encoding.toolName(tool.name));
  if (tool.type === 'custom') {
    if (!encoding.target.customTools) {
      encoding.refuse(`The upstream of this model does not take free-text tools ('${tool.name}').`, path);
    }
    return { type: 'custom', name, ...shared, ...(tool.format !== undefined && { format: tool.format }) };
  }
  if (tool.cache) encoding.lose('cache_control', `${path}.cache_control`);
  encoding.loseUnmapped(tool.unmapped);
  if (tool.name === TOOL_SEARCH) {
    return { type: 'tool_search', execution: 'client', ...shared, parameters: tool.inputSchema };
  }
  // Left out, this API alone takes it for true where it can.
  return { type: 'function', name, ...shared, parameters: tool.inputSchema, strict: tool.strict ?? false };
}

function encodeToolChoice(choice: ToolChoice, tools: readonly Tool[], encoding: Encoding): JsonValue {
  if (choice.type !== 'tool') return choice.type;
  const tool = tools.find(({ name }) => name === choice.name);
  if (tool?.type === 'server') return { type: choice.name };
  const { name } = splitToolName(encoding.toolName(choice.name));
  const names = new Set(tools.flatMap((other) => (other.type === 'server' ? [] : [encoding.toolName(other.name)])));
  if (resolveToolName(name, names) !== encoding.toolName(choice.name)) {
    encoding.lose('tool_choice.namespace', 'tool_choice.namespace');
  }
  return { type: tool?.type === 'custom' ? 'custom' : 'function', name };
}
