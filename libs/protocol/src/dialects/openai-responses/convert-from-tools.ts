import { TOOL_SEARCH, type CustomTool, type FunctionTool, type Tool, type ToolChoice } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { Findings } from '../openai/findings';
import { isAbsent } from '../openai/members';
import { DIALECT_ID, joinToolName, resolveToolName } from './wire';

const READ_OF_FUNCTION: ReadonlySet<string> = new Set([
  ...['type', 'name', 'description', 'parameters', 'strict', 'defer_loading', 'allowed_callers', 'async'],
]);
const READ_OF_CUSTOM: ReadonlySet<string> = new Set([
  ...['type', 'name', 'description', 'format', 'defer_loading', 'allowed_callers', 'async'],
]);
const READ_OF_NAMESPACE: ReadonlySet<string> = new Set(['type', 'name', 'description', 'tools']);
const READ_OF_TOOL_SEARCH: ReadonlySet<string> = new Set(['type', 'execution', 'description', 'parameters']);

/** Leaving `parameters` out declares a function without parameters. */
const NO_PARAMETERS = { type: 'object', properties: {} } as const;

interface Namespace {
  name: string;
  description?: string;
}

/** The tools of one request, wherever it declares them: the first of a name counts. Created per request. */
export class ToolList {
  readonly tools: Tool[] = [];
  /** Of functions and free-text tools. */
  readonly names = new Set<string>();

  constructor(private readonly findings: Findings) {}

  /** @returns the names of the functions and free-text tools among them */
  add(value: JsonValue | undefined, path: string): string[] {
    const wires = this.findings.array(value, path) ?? [];
    const declared = wires.flatMap((wire, index) => decodeTool(wire, `${path}[${index}]`, this.findings));
    const names: string[] = [];
    for (const tool of declared) {
      if (tool.type === 'server') {
        this.tools.push(tool);
        continue;
      }
      names.push(tool.name);
      if (this.names.has(tool.name)) continue;
      this.names.add(tool.name);
      this.tools.push(tool);
    }
    return names;
  }
}

function decodeTool(wire: JsonValue, path: string, findings: Findings): Tool[] {
  if (!isJsonObject(wire)) {
    findings.wrongType(path, 'an object', wire);
    return [];
  }
  const type = findings.required(wire, 'type', path);
  switch (type) {
    case 'function':
      return [decodeFunction(wire, path, undefined, findings)];
    case 'custom':
      return [decodeCustom(wire, path, undefined, findings)];
    case 'namespace':
      return decodeNamespace(wire, path, findings);
    case 'tool_search':
      if (wire.execution === 'client') return [decodeToolSearch(wire, path, findings)];
      break;
  }
  return [{ type: 'server', dialect: DIALECT_ID, name: type, wire }];
}

function decodeNamespace(wire: JsonObject, path: string, findings: Findings): Tool[] {
  findings.leaveRest(wire, READ_OF_NAMESPACE, path);
  const description = findings.scalar(wire, 'description', 'string', path);
  const name = findings.required(wire, 'name', path);
  const namespace: Namespace = description ? { name, description } : { name };
  if (isAbsent(wire.tools)) findings.missing(`${path}.tools`);
  const wires = findings.array(wire.tools, `${path}.tools`) ?? [];
  return wires.flatMap((inner, index): Tool[] => {
    const innerPath = `${path}.tools[${index}]`;
    if (!isJsonObject(inner)) {
      findings.wrongType(innerPath, 'an object', inner);
      return [];
    }
    if (inner.type === 'function') return [decodeFunction(inner, innerPath, namespace, findings)];
    if (inner.type === 'custom') return [decodeCustom(inner, innerPath, namespace, findings)];
    if (isAbsent(inner.type)) findings.missing(`${innerPath}.type`);
    else findings.unsupportedValue(`${innerPath}.type`, inner.type, ['function', 'custom']);
    return [];
  });
}

function decodeFunction(
  wire: JsonObject,
  path: string,
  namespace: Namespace | undefined,
  findings: Findings,
): FunctionTool {
  findings.leaveRest(wire, READ_OF_FUNCTION, path);
  const strict = findings.scalar(wire, 'strict', 'boolean', path);
  return {
    type: 'function',
    ...decodeShared(wire, path, namespace, findings),
    inputSchema: findings.object(wire.parameters, `${path}.parameters`) ?? { ...NO_PARAMETERS },
    ...(strict !== undefined && { strict }),
  };
}

function decodeCustom(
  wire: JsonObject,
  path: string,
  namespace: Namespace | undefined,
  findings: Findings,
): CustomTool {
  findings.leaveRest(wire, READ_OF_CUSTOM, path);
  const { format } = wire;
  return {
    type: 'custom',
    ...decodeShared(wire, path, namespace, findings),
    ...(!isAbsent(format) && { format }),
  };
}

function decodeShared(
  wire: JsonObject,
  path: string,
  namespace: Namespace | undefined,
  findings: Findings,
): Pick<FunctionTool, 'name' | 'description' | 'deferLoading' | 'namespaceDescription'> {
  const name = findings.required(wire, 'name', path);
  const description = findings.scalar(wire, 'description', 'string', path);
  const deferLoading = findings.scalar(wire, 'defer_loading', 'boolean', path);
  leaveCalling(wire, path, findings);
  return {
    name: joinToolName(namespace ? { name, namespace: namespace.name } : { name }),
    ...(description !== undefined && { description }),
    ...(deferLoading !== undefined && { deferLoading }),
    ...(namespace?.description !== undefined && { namespaceDescription: namespace.description }),
  };
}

/** Called by the model itself, and waited for: the default. */
function leaveCalling(wire: JsonObject, path: string, findings: Findings): void {
  const { allowed_callers: callers } = wire;
  const isDirect = Array.isArray(callers) && callers.length === 1 && callers[0] === 'direct';
  if (!isAbsent(callers) && !isDirect) findings.leave(`${path}.allowed_callers`, callers);
  if (findings.scalar(wire, 'async', 'boolean', path) === true) findings.leave(`${path}.async`, true);
}

function decodeToolSearch(wire: JsonObject, path: string, findings: Findings): FunctionTool {
  findings.leaveRest(wire, READ_OF_TOOL_SEARCH, path);
  const description = findings.scalar(wire, 'description', 'string', path);
  return {
    type: 'function',
    name: TOOL_SEARCH,
    inputSchema: findings.object(wire.parameters, `${path}.parameters`) ?? { ...NO_PARAMETERS },
    ...(description !== undefined && { description }),
  };
}

const READ_OF_CHOICE: Readonly<Record<string, ReadonlySet<string> | undefined>> = {
  allowed_tools: new Set(['type', 'mode', 'tools']),
  function: new Set(['type', 'name']),
  custom: new Set(['type', 'name']),
};
const READ_OF_OTHER_CHOICE: ReadonlySet<string> = new Set(['type']);

export function decodeToolChoice(body: JsonObject, { names }: ToolList, findings: Findings): ToolChoice | undefined {
  const choice = body.tool_choice;
  if (isAbsent(choice)) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  if (!isJsonObject(choice)) {
    findings.unsupportedValue('tool_choice', choice, ['none', 'auto', 'required']);
    return undefined;
  }
  const type = findings.required(choice, 'type', 'tool_choice');
  findings.leaveRest(choice, READ_OF_CHOICE[type] ?? READ_OF_OTHER_CHOICE, 'tool_choice');
  if (type === 'allowed_tools') {
    findings.leave('tool_choice.tools', choice.tools ?? []);
    return { type: choice.mode === 'required' ? 'required' : 'auto' };
  }
  if (type === 'function' || type === 'custom') {
    return { type: 'tool', name: resolveToolName(findings.required(choice, 'name', 'tool_choice'), names) };
  }
  // A tool that the provider runs goes by its type.
  return { type: 'tool', name: type };
}
