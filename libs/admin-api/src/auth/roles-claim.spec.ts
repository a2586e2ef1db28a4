import { rolesOf } from './roles-claim';

test.each([
  [['acme:admin', '*:viewer'], { acme: 'admin', '*': 'viewer' }],
  [
    { acme: 'owner', beta: 'viewer' },
    { acme: 'owner', beta: 'viewer' },
  ],
  [['acme:viewer', 'acme:owner', 'acme:admin'], { acme: 'owner' }],
  [['acme:root', 'acme', ':admin', 'a b:admin', 7, null, 'acme:Admin'], {}],
  [{ acme: 'root', beta: ['admin'], '': 'admin' }, {}],
  ['acme:admin', {}],
  [undefined, {}],
  [null, {}],
])('%j gives %j', (claim, roles) => {
  expect(Object.fromEntries(rolesOf(claim))).toEqual(roles);
});

test('no name of a tenant reaches what every object has', () => {
  expect(rolesOf(JSON.parse('{"__proto__":"owner","constructor":"owner"}')).get('toString')).toBeUndefined();
});
