import { type Decision, decide, isAllowedEverywhere, type Permission, PERMISSIONS, scopeOf } from './permissions';
import { type Principal, type Role, ROLES } from './principal';

function holder(roles: Record<string, Role>): Principal {
  return { actor: { name: 'oidc:somebody' }, roles: new Map(Object.entries(roles)) };
}

/** Least role that may: in the tenant itself, and with a role everywhere. `never`: no role of the tenant suffices. */
const EXPECTED: Record<Permission, [inTenant: Role | 'never', everywhere: Role]> = {
  'tenant.read': ['viewer', 'viewer'],
  'tenant.create': ['never', 'admin'],
  'tenant.update': ['owner', 'owner'],
  'tenant.govern': ['never', 'admin'],
  'tenant.delete': ['never', 'admin'],
  'key.read': ['viewer', 'viewer'],
  'key.create': ['admin', 'admin'],
  'key.update': ['admin', 'admin'],
  'key.rotate': ['admin', 'admin'],
  'key.revoke': ['admin', 'admin'],
  'budget.read': ['viewer', 'viewer'],
  'budget.tenant': ['owner', 'owner'],
  'budget.key': ['admin', 'admin'],
  'credits.read': ['viewer', 'viewer'],
  'credits.top-up': ['never', 'admin'],
  'webhook.read': ['viewer', 'viewer'],
  'webhook.write': ['admin', 'admin'],
  'webhook.govern': ['never', 'admin'],
  'export.read': ['viewer', 'viewer'],
  'export.write': ['admin', 'admin'],
  'export.govern': ['never', 'admin'],
  'usage.read': ['viewer', 'viewer'],
  'audit.read': ['viewer', 'viewer'],
  'calls.read': ['viewer', 'viewer'],
  'calls.prompts': ['owner', 'owner'],
  'refused-usage.read': ['never', 'viewer'],
  'refused-usage.decide': ['never', 'admin'],
  'ledger.read': ['never', 'viewer'],
  'provider.read': ['never', 'viewer'],
  'provider.write': ['never', 'admin'],
  'model.read': ['never', 'viewer'],
  'model.write': ['never', 'admin'],
  'routing.explain': ['never', 'viewer'],
  'config.read': ['never', 'viewer'],
  'health.read': ['never', 'viewer'],
};

const permissions = Object.keys(PERMISSIONS) as Permission[];

function least(allowed: (role: Role) => boolean): Role | 'never' {
  const able = ROLES.filter(allowed);
  // Whoever may, those above may too.
  expect(able).toEqual(ROLES.slice(ROLES.length - able.length));
  return able[0] ?? 'never';
}

test.each(permissions)('%s: which roles suffice, in the tenant and everywhere', (permission) => {
  const inTenant = least((role) => decide(holder({ acme: role }), permission, 'acme') === 'allowed');
  const everywhere = least((role) => decide(holder({ '*': role }), permission, 'acme') === 'allowed');
  expect([inTenant, everywhere]).toEqual(EXPECTED[permission]);
});

test.each(permissions)('%s: of another tenant all is hidden, whatever one is in one’s own', (permission) => {
  const decisions = ROLES.map((role) => decide(holder({ other: role }), permission, 'acme'));
  expect(decisions).toEqual(['hidden', 'hidden', 'hidden'] satisfies Decision[]);
});

test.each(permissions)('%s: without a role nothing is allowed', (permission) => {
  expect(decide(holder({}), permission)).toBe('forbidden');
  expect(decide(holder({}), permission, 'acme')).toBe('hidden');
});

test('a role in one tenant gives none in the next', () => {
  const principal = holder({ acme: 'owner', beta: 'viewer' });
  expect(decide(principal, 'key.create', 'acme')).toBe('allowed');
  expect(decide(principal, 'key.create', 'beta')).toBe('forbidden');
});

test('the higher of a role everywhere and a role in the tenant holds', () => {
  const principal = holder({ '*': 'viewer', acme: 'admin' });
  expect(decide(principal, 'key.create', 'acme')).toBe('allowed');
  expect(decide(principal, 'key.create', 'beta')).toBe('forbidden');
  expect(isAllowedEverywhere(principal, 'key.create')).toBe(false);
  expect(isAllowedEverywhere(principal, 'key.read')).toBe(true);
});

test('a tenant’s owner owns nothing of the platform', () => {
  expect(decide(holder({ acme: 'owner' }), 'provider.read')).toBe('forbidden');
});

test('lists show the tenants one has a role in; all with a role everywhere', () => {
  expect(scopeOf(holder({ acme: 'viewer', beta: 'owner' }))).toEqual(['acme', 'beta']);
  expect(scopeOf(holder({ acme: 'viewer', '*': 'viewer' }))).toBeUndefined();
});
