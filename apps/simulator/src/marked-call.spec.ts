import { markedArguments, markedTool } from './marked-call';

const marker = (text: string) => ({ name: 'apply_patch', arguments: text });
const schema = { type: 'object', required: ['input'], properties: { input: { type: 'string' } } };

describe('the tool of a marked call', () => {
  const named = (name: string) => ({ name, schema: undefined, freeForm: false });
  const meant = (name: string, ...names: string[]) => markedTool(names.map(named), { name, arguments: '{}' })?.name;

  it('has the marker’s name, or has it in a group', () => {
    expect(meant('exec', 'functions_exec', 'exec')).toBe('exec');
    expect(meant('exec', 'exec_command', 'functions_exec_0dhci06')).toBe('functions_exec_0dhci06');
    expect(meant('exec', 'other', 'functions_exec')).toBe('functions_exec');
  });

  it('is no tool whose name is only similar', () => {
    expect(meant('exec', 'exec_command', 'functions_execute', 'reexec')).toBeUndefined();
    expect(meant('a.c', 'x_abc')).toBeUndefined();
  });
});

describe('the arguments of a marked call', () => {
  it('are the marker’s own where they are an object', () => {
    expect(markedArguments({ name: 'a', schema, freeForm: false }, marker('{"b": 1}'))).toBe('{"b": 1}');
  });

  it('are the text itself for a tool that takes free text', () => {
    expect(markedArguments({ name: 'a', schema: undefined, freeForm: true }, marker('"one\\ntwo"'))).toBe('one\ntwo');
  });

  it('hold the text as the one thing that a function requires', () => {
    const made = markedArguments({ name: 'a', schema, freeForm: false }, marker('"one\\ntwo"'));
    expect(JSON.parse(made)).toEqual({ input: 'one\ntwo' });
  });

  it('stay what they are where nothing says where text goes', () => {
    const undecided = { ...schema, required: ['input', 'other'] };
    expect(markedArguments({ name: 'a', schema: undecided, freeForm: false }, marker('"text"'))).toBe('"text"');
    expect(markedArguments({ name: 'a', schema: undefined, freeForm: false }, marker('"text"'))).toBe('"text"');
  });
});
