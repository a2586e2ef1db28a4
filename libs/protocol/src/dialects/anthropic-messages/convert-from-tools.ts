import type { FunctionTool, Tool, ToolChoice } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { decodeCacheControl } from './convert-from-blocks';
import type { Findings } from './findings';
import { DIALECT_ID, isAbsent } from './wire';

const READ_OF_TOOL = new Set([
  'type',
  'name',
  'description',
  'input_schema',
  'strict',
  'cache_control',
  'defer_loading',
]);
const READ_OF_TOOL_CHOICE = new Set(['type', 'name', 'disable_parallel_tool_use']);
const TOOL_CHOICES = ['auto', 'any', 'tool', 'none'];

export function decodeTools(value: JsonValue | undefined, findings: Findings): Tool[] {
  const tools = findings.array(value, 'tools') ?? [];
  return tools.flatMap((tool, index) => decodeTool(tool, `tools[${index}]`, findings));
}

function decodeTool(tool: JsonValue, path: string, findings: Findings): Tool[] {
  if (!isJsonObject(tool)) {
    findings.fail(path, 'Input should be a valid dictionary');
    return [];
  }
  const type = findings.string(tool, 'type', path);
  if (type !== undefined && type !== 'custom') {
    const name = findings.string(tool, 'name', path) ?? type;
    return [{ type: 'server', dialect: DIALECT_ID, name, wire: tool }];
  }
  const [decoded, unmapped] = findings.collect(() => decodeFunctionTool(tool, path, findings));
  if (unmapped.length > 0) decoded.unmapped = unmapped;
  return [decoded];
}

function decodeFunctionTool(tool: JsonObject, path: string, findings: Findings): FunctionTool {
  const name = findings.requiredString(tool, 'name', path);
  if (name === '') findings.fail(`${path}.name`, 'String should have at least 1 character');
  if (isAbsent(tool['input_schema'])) findings.missing(`${path}.input_schema`);
  const decoded: FunctionTool = {
    type: 'function',
    name,
    inputSchema: findings.object(tool['input_schema'], `${path}.input_schema`) ?? {},
  };
  const description = findings.string(tool, 'description', path);
  if (description !== undefined) decoded.description = description;
  const strict = findings.boolean(tool, 'strict', path);
  if (strict !== undefined) decoded.strict = strict;
  const cache = decodeCacheControl(tool, path, findings);
  if (cache !== undefined) decoded.cache = cache;
  const deferLoading = findings.boolean(tool, 'defer_loading', path);
  if (deferLoading !== undefined) decoded.deferLoading = deferLoading;
  findings.leaveRest(tool, READ_OF_TOOL, path);
  return decoded;
}

export interface DecodedToolChoice {
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
}

export function decodeToolChoice(value: JsonValue | undefined, findings: Findings): DecodedToolChoice {
  const choice = findings.object(value, 'tool_choice');
  if (choice === undefined) return {};
  findings.leaveRest(choice, READ_OF_TOOL_CHOICE, 'tool_choice');
  const disableParallel = findings.boolean(choice, 'disable_parallel_tool_use', 'tool_choice');
  const decoded: DecodedToolChoice = {};
  const toolChoice = toolChoiceOf(choice, findings);
  if (toolChoice !== undefined) decoded.toolChoice = toolChoice;
  if (disableParallel !== undefined) decoded.parallelToolCalls = !disableParallel;
  return decoded;
}

function toolChoiceOf(choice: JsonObject, findings: Findings): ToolChoice | undefined {
  switch (choice['type']) {
    case 'auto':
      return { type: 'auto' };
    case 'none':
      return { type: 'none' };
    case 'any':
      return { type: 'required' };
    case 'tool':
      return { type: 'tool', name: findings.requiredString(choice, 'name', 'tool_choice') };
    default:
      findings.unknownTag(choice, 'tool_choice', TOOL_CHOICES);
      return undefined;
  }
}
