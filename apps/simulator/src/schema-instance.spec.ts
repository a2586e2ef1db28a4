import { schemaInstance } from './schema-instance';

describe('schemaInstance', () => {
  it('fills required properties only, nested ones too, and names strings after their property', () => {
    const schema = {
      type: 'object',
      required: ['city', 'where', 'tags'],
      properties: {
        city: { type: 'string' },
        skipped: { type: 'string' },
        where: { type: 'object', required: ['lat'], properties: { lat: { type: 'number', minimum: 10 } } },
        tags: { type: 'array', items: { enum: ['a', 'b'] }, minItems: 2 },
      },
    };
    expect(schemaInstance(schema)).toEqual({ city: 'city', where: { lat: 10 }, tags: ['a', 'a'] });
  });

  it.each([
    [{ const: 7 }, 7],
    [{ enum: ['x', 'y'] }, 'x'],
    [{ type: ['null', 'integer'], exclusiveMinimum: 4 }, 5],
    [{ type: 'integer', maximum: -3 }, -3],
    [{ type: 'integer', minimum: 7, multipleOf: 5 }, 10],
    [{ type: 'string', format: 'date' }, '2026-01-01'],
    [{ type: 'string', minLength: 7 }, 'valuexx'],
    [{ type: 'string', maxLength: 2 }, 'va'],
    [{ anyOf: [{ type: 'boolean' }, { type: 'string' }] }, true],
    [{ $defs: { one: { const: 1 } }, $ref: '#/$defs/one' }, 1],
    [{ allOf: [{ required: ['a'], properties: { a: { const: 1 } } }, { required: ['b'] }] }, { a: 1, b: 'b' }],
    [{ type: 'array', prefixItems: [{ const: 1 }, { type: 'null' }] }, [1, null]],
  ])('satisfies %j', (schema, expected) => {
    expect(schemaInstance(schema)).toEqual(expected);
  });

  it('ends on a schema that requires itself', () => {
    const schema = { type: 'object', required: ['child'], properties: { child: { $ref: '#' } } };
    expect(JSON.stringify(schemaInstance(schema))).toContain('null');
  });
});
