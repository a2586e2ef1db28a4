import { refuse } from '../api-failure';
import { isObject, objectsIn, textOf, type JsonObject } from '../json';
import { missing, validateName, wrongType } from '../openai/refusals';
import { refuseValue } from './refusals';

const CHOICES = ['none', 'auto', 'required'];
const TYPES = [
  ...['function', 'file_search', 'computer', 'computer_use_preview', 'web_search', 'web_search_2025_08_26', 'mcp'],
  ...['code_interpreter', 'programmatic_tool_calling', 'image_generation', 'local_shell', 'shell', 'custom'],
  ...['namespace', 'tool_search', 'web_search_preview', 'web_search_preview_2025_03_11', 'apply_patch'],
];
const SYNTAXES = ['lark', 'regex'];

/** Refuses what the Responses API refuses in `tools` and `tool_choice`, in its words. */
export function validateTools(body: JsonObject): void {
  const { tools } = body;
  const names = tools == null ? [] : validateToolList(tools, 'tools');
  // Those of the input are offered all the same.
  const later = Array.isArray(body['input']) ? objectsIn(body['input']) : [];
  for (const item of later) {
    if (item['type'] !== 'additional_tools' && item['type'] !== 'tool_search_output') continue;
    names.push(...objectsIn(item['tools']).map((tool) => textOf(tool['name'])));
  }
  validateChoice(body['tool_choice'], names);
}

/** The names they can be chosen by. */
export function validateToolList(tools: unknown, path: string): string[] {
  if (!Array.isArray(tools)) return refuse(wrongType(path, 'an array of objects', tools), path, 'invalid_type');
  return tools.flatMap((tool: unknown, at) => validateTool(tool, `${path}[${at}]`));
}

function validateTool(tool: unknown, path: string): string[] {
  if (!isObject(tool)) return refuse(wrongType(path, 'an object', tool), path, 'invalid_type');
  if (tool['type'] === undefined) missing(`${path}.type`);
  const type = textOf(tool['type']);
  if (!TYPES.includes(type)) refuseValue(type, TYPES, `${path}.type`);
  if (type !== 'function' && type !== 'custom' && type !== 'namespace') return [];
  const name = textOf(tool['name']);
  if (name === '') missing(`${path}.name`);
  validateName(name, `${path}.name`);
  if (type === 'namespace') return [name, ...validateToolList(tool['tools'], `${path}.tools`)];
  if (type === 'custom') validateGrammar(tool['format'], `${path}.format`);
  const { parameters } = tool;
  if (type === 'function' && isObject(parameters) && parameters['type'] !== 'object') {
    const got = JSON.stringify(parameters['type'] ?? 'None');
    const text = `Invalid schema for function '${name}': schema must be a JSON Schema of 'type: "object"', got 'type: ${got}'.`;
    refuse(text, `${path}.parameters`, 'invalid_function_parameters');
  }
  return [name];
}

function validateGrammar(format: unknown, path: string): void {
  if (!isObject(format) || format['type'] !== 'grammar') return;
  if (!SYNTAXES.includes(textOf(format['syntax']))) refuseValue(textOf(format['syntax']), SYNTAXES, `${path}.syntax`);
  if (textOf(format['definition']) === '') missing(`${path}.definition`);
}

function validateChoice(choice: unknown, names: string[]): void {
  if (choice == null) return;
  if (typeof choice === 'string') {
    if (!CHOICES.includes(choice)) refuseValue(choice, CHOICES, 'tool_choice');
    return;
  }
  if (!isObject(choice)) return refuse(wrongType('tool_choice', 'an object', choice), 'tool_choice', 'invalid_type');
  const type = textOf(choice['type']);
  if (type !== 'function' && type !== 'custom') return;
  const name = textOf(choice['name']);
  if (name === '') missing('tool_choice.name');
  if (!names.includes(name)) refuse(`Tool choice '${type}' not found in 'tools' parameter.`, 'tool_choice');
}
