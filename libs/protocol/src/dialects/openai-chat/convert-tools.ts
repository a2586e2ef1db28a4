import type { Conversation, CustomTool, FunctionTool, ServerTool, Tool, ToolChoice } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { isDispensable, SERVER_TOOL_LOSS } from '../../server-tools';
import type { Encoding } from '../openai/encoding';
import type { Findings } from '../openai/findings';
import { isAbsent } from '../openai/members';

const READ_OF_TOOL: ReadonlySet<string> = new Set(['type', 'function', 'custom']);
const READ_OF_FUNCTION: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);
const READ_OF_CUSTOM: ReadonlySet<string> = new Set(['name', 'description', 'format']);
const READ_OF_CHOICE: ReadonlySet<string> = new Set(['type', 'function', 'custom', 'allowed_tools']);
const READ_OF_NAMED: ReadonlySet<string> = new Set(['name']);

/** Leaving `parameters` out declares a function without parameters. */
const NO_PARAMETERS = { type: 'object', properties: {} } as const;

/** Search is no tool in Chat but a parameter; the canonical model knows it as a tool the provider runs. */
const WEB_SEARCH = 'web_search_options';

/** `tools`, the legacy `functions`, and web search. */
export function decodeTools(body: JsonObject, findings: Findings): Tool[] {
  const tools: Tool[] = [];
  findings.array(body.tools, 'tools')?.forEach((wire, index) => {
    const tool = decodeTool(wire, `tools[${index}]`, findings);
    if (tool) tools.push(tool);
  });
  findings.array(body.functions, 'functions')?.forEach((wire, index) => {
    const path = `functions[${index}]`;
    const declared = findings.object(wire, path);
    if (declared) tools.push(decodeFunction(declared, path, findings));
  });
  const search = findings.object(body[WEB_SEARCH], WEB_SEARCH);
  if (search) tools.push({ type: 'server', dialect: 'openai-chat', name: WEB_SEARCH, wire: search });
  return tools;
}

function decodeTool(wire: JsonValue, path: string, findings: Findings): Tool | undefined {
  if (!isJsonObject(wire)) {
    findings.wrongType(path, 'an object', wire);
    return undefined;
  }
  findings.leaveRest(wire, READ_OF_TOOL, path);
  if (isAbsent(wire.type)) findings.missing(`${path}.type`);
  else if (wire.type !== 'function' && wire.type !== 'custom') {
    findings.unsupportedValue(`${path}.type`, wire.type, ['function', 'custom']);
  }
  const type = wire.type === 'custom' ? 'custom' : 'function';
  if (isAbsent(wire[type])) findings.missing(`${path}.${type}`);
  const declared = findings.object(wire[type], `${path}.${type}`);
  if (!declared) return undefined;
  if (type === 'function') return decodeFunction(declared, `${path}.function`, findings);

  findings.leaveRest(declared, READ_OF_CUSTOM, `${path}.custom`);
  const description = findings.scalar(declared, 'description', 'string', `${path}.custom`);
  const { format } = declared;
  return {
    type: 'custom',
    name: findings.required(declared, 'name', `${path}.custom`),
    ...(description !== undefined && { description }),
    ...(!isAbsent(format) && { format: decodeFormat(format) }),
  };
}

function decodeFunction(declared: JsonObject, path: string, findings: Findings): Tool {
  findings.leaveRest(declared, READ_OF_FUNCTION, path);
  const description = findings.scalar(declared, 'description', 'string', path);
  const strict = findings.scalar(declared, 'strict', 'boolean', path);
  return {
    type: 'function',
    name: findings.required(declared, 'name', path),
    inputSchema: findings.object(declared.parameters, `${path}.parameters`) ?? { ...NO_PARAMETERS },
    ...(description !== undefined && { description }),
    ...(strict !== undefined && { strict }),
  };
}

/** The canonical form is that of Responses, where a grammar's members stand in the format itself. */
function decodeFormat(format: JsonValue): JsonValue {
  if (!isJsonObject(format) || !isJsonObject(format.grammar)) return format;
  const { grammar, ...rest } = format;
  return { ...rest, ...grammar };
}

function encodeFormat(format: JsonValue): JsonValue {
  if (!isJsonObject(format) || format.type !== 'grammar') return format;
  const { type, ...grammar } = format;
  return { type, grammar };
}

/** `tool_choice`, or the legacy `function_call`. */
export function decodeToolChoice(body: JsonObject, findings: Findings): ToolChoice | undefined {
  const name = isAbsent(body.tool_choice) ? 'function_call' : 'tool_choice';
  const choice = body[name];
  if (isAbsent(choice)) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  if (!isJsonObject(choice)) {
    findings.unsupportedValue(name, choice, ['none', 'auto', 'required']);
    return undefined;
  }
  if (name === 'function_call') {
    findings.leaveRest(choice, READ_OF_NAMED, name);
    return { type: 'tool', name: findings.required(choice, 'name', name) };
  }
  return decodeChoiceObject(choice, findings);
}

function decodeChoiceObject(choice: JsonObject, findings: Findings): ToolChoice | undefined {
  findings.leaveRest(choice, READ_OF_CHOICE, 'tool_choice');
  if (choice.type === 'allowed_tools') {
    const allowed = findings.object(choice.allowed_tools, 'tool_choice.allowed_tools') ?? {};
    findings.leave('tool_choice.allowed_tools', allowed);
    return { type: allowed.mode === 'required' ? 'required' : 'auto' };
  }
  if (choice.type !== 'function' && choice.type !== 'custom') {
    findings.unsupportedValue('tool_choice.type', choice.type ?? null, ['function', 'custom', 'allowed_tools']);
    return undefined;
  }
  const path = `tool_choice.${choice.type}`;
  if (isAbsent(choice[choice.type])) findings.missing(path);
  const named = findings.object(choice[choice.type], path);
  if (named) findings.leaveRest(named, READ_OF_NAMED, path);
  return named && { type: 'tool', name: findings.required(named, 'name', path) };
}

/** `tools`, `tool_choice`, `parallel_tool_calls` and web search, as far as the conversation has them, into `body`. */
export function encodeTools(body: JsonObject, conversation: Conversation, encoding: Encoding): void {
  const { tools, toolChoice, parallelToolCalls } = conversation;
  const wires = tools.flatMap((tool, index) => encodeTool(tool, `tools[${index}]`, conversation, encoding));
  const search = tools.find((tool) => tool.type === 'server' && tool.name === WEB_SEARCH && isOwn(tool.dialect));
  if (search?.type === 'server') body[WEB_SEARCH] = search.wire;
  if (wires.length === 0) {
    // Chat refuses both members without tools; only a demanded call would be missed.
    if (toolChoice?.type === 'required' || toolChoice?.type === 'tool') {
      encoding.refuse(`'tool_choice' demands a tool call, but no tools are given.`, 'tool_choice');
    }
    return;
  }
  body.tools = wires;
  if (toolChoice) body.tool_choice = encodeToolChoice(toolChoice, tools, encoding);
  if (parallelToolCalls !== undefined) body.parallel_tool_calls = parallelToolCalls;
}

function withholdServerTool(tool: ServerTool, path: string, conversation: Conversation, encoding: Encoding): void {
  if (isDispensable(tool, conversation)) return encoding.lose(SERVER_TOOL_LOSS, path);
  encoding.refuse(
    `Tool '${tool.name}' runs at the provider that offers it; the upstream of this model cannot run it.`,
    path,
  );
}

function isOwn(dialect: string): boolean {
  return dialect === 'openai-chat';
}

function encodeTool(tool: Tool, path: string, conversation: Conversation, encoding: Encoding): JsonObject[] {
  switch (tool.type) {
    case 'server':
      if (!isOwn(tool.dialect)) withholdServerTool(tool, path, conversation, encoding);
      return [];
    case 'custom': {
      const { description, format } = tool;
      if (tool.deferLoading) encoding.lose('defer_loading', `${path}.defer_loading`);
      loseNamespace(tool, path, encoding);
      const custom: JsonObject = { name: encoding.toolName(tool.name) };
      if (description !== undefined) custom.description = description;
      if (format !== undefined) custom.format = encodeFormat(format);
      return [{ type: 'custom', custom }];
    }
    case 'function': {
      if (tool.cache) encoding.lose('cache_control', `${path}.cache_control`);
      // Sent with the others: a tool that the model may find must be there when it does.
      if (tool.deferLoading) encoding.lose('defer_loading', `${path}.defer_loading`);
      loseNamespace(tool, path, encoding);
      encoding.loseUnmapped(tool.unmapped);
      const declared: JsonObject = { name: encoding.toolName(tool.name), parameters: tool.inputSchema };
      if (tool.description !== undefined) declared.description = tool.description;
      if (tool.strict !== undefined) declared.strict = tool.strict;
      return [{ type: 'function', function: declared }];
    }
  }
}

/** The name of a namespace is part of the tool's; what it is for has no place. */
function loseNamespace({ namespaceDescription }: FunctionTool | CustomTool, path: string, encoding: Encoding): void {
  if (namespaceDescription !== undefined) encoding.lose('namespace.description', `${path}.namespace.description`);
}

function encodeToolChoice(choice: ToolChoice, tools: readonly Tool[], encoding: Encoding): JsonValue {
  if (choice.type !== 'tool') return choice.type;
  const type = tools.some((tool) => tool.type === 'custom' && tool.name === choice.name) ? 'custom' : 'function';
  return { type, [type]: { name: encoding.toolName(choice.name) } };
}
