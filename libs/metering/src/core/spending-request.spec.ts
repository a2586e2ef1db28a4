import { parseSpendingRequest } from './spending-request';

test.each([
  { tenantId: 'acme', fromMs: 0 },
  { tenantId: 'acme', keyId: 'key_1', fromMs: 1_793_491_200_000 },
])('%j is read as it is', (request) => {
  expect(parseSpendingRequest(request)).toEqual(request);
});

test('what a later release adds is passed over', () => {
  expect(parseSpendingRequest({ tenantId: 'acme', fromMs: 1, toMs: 2 })).toEqual({ tenantId: 'acme', fromMs: 1 });
});

test.each([
  [null, 'not an object'],
  ['acme', 'not an object'],
  [[], 'tenantId'],
  [{ fromMs: 0 }, 'tenantId'],
  [{ tenantId: '', fromMs: 0 }, 'tenantId'],
  [{ tenantId: 7, fromMs: 0 }, 'tenantId'],
  [{ tenantId: 'acme', keyId: '', fromMs: 0 }, 'keyId'],
  [{ tenantId: 'acme', keyId: null, fromMs: 0 }, 'keyId'],
  [{ tenantId: 'acme' }, 'fromMs'],
  [{ tenantId: 'acme', fromMs: -1 }, 'fromMs'],
  [{ tenantId: 'acme', fromMs: 0.5 }, 'fromMs'],
  [{ tenantId: 'acme', fromMs: '0' }, 'fromMs'],
  [{ tenantId: 'acme', fromMs: 2 ** 60 }, 'fromMs'],
])('%j is refused, and the error names the fault', (request, fault) => {
  expect(() => parseSpendingRequest(request)).toThrow(fault);
});
