/** What several values of the charts are: named in `@schema {"$ref": "#/$defs/…"}` of their comments. */

const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };
const quantities = { type: 'object', additionalProperties: { type: ['string', 'integer'] } };
const closed = (properties, required = []) => ({ type: 'object', additionalProperties: false, properties, required });

export const schemaParts = {
  texts,
  named: closed({ name: { type: 'string', minLength: 1 } }, ['name']),
  resources: closed({ requests: quantities, limits: quantities }),
  secret: closed({ existingSecret: text, key: { type: 'string', minLength: 1 }, value: text }),
  secretVariable: closed(
    {
      name: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
      secretName: { type: 'string', minLength: 1 },
      key: { type: 'string', minLength: 1 },
    },
    ['name', 'secretName', 'key'],
  ),
  environmentVariable: closed(
    { name: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }, value: text, valueFrom: { type: 'object' } },
    ['name'],
  ),
  peer: closed({
    podSelector: { type: 'object' },
    namespaceSelector: { type: 'object' },
    ipBlock: closed({ cidr: text, except: { type: 'array', items: text } }, ['cidr']),
  }),
};
