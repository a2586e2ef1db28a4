import { isStoreAway } from './store-fault';

function failure(fields: object, message = 'it failed'): Error {
  return Object.assign(new Error(message), fields);
}

test.each<[string, unknown]>([
  ['a database that cannot be reached', failure({ code: 'P1001' })],
  ['a transaction that could not begin', failure({ code: 'P2028' })],
  ['tables that are not there yet', failure({ code: 'P2021' })],
  ['a refused connection', failure({ code: 'ECONNREFUSED' })],
  ['a server that shuts down', failure({ code: '57P01' })],
  [
    'a raw query’s fault',
    failure({ code: 'P2010', meta: { driverAdapterError: failure({ cause: { kind: 'ConnectionClosed' } }) } }),
  ],
  [
    'a raw query cut off',
    failure({ code: 'P2010', meta: { driverAdapterError: failure({ cause: { originalCode: '57P01' } }) } }),
  ],
  ['a connection that ended', new Error('Connection terminated unexpectedly')],
  ['a connection found broken', new Error('Client has encountered a connection error and is not queryable')],
  ['a connection found closed', new Error('Client was closed and is not queryable')],
  ['a pool without a free connection', new Error('timeout exceeded when trying to connect')],
  ['what another fault was caused by', new Error('outer', { cause: failure({ code: 'ECONNRESET' }) })],
])('%s says that the store is away', (_what, error) => {
  expect(isStoreAway(error)).toBe(true);
});

test.each<[string, unknown]>([
  ['a row that is there already', failure({ code: 'P2002' })],
  ['a row that is not there', failure({ code: 'P2025' })],
  [
    'a text that cannot be stored',
    failure({ code: 'P2010', meta: { driverAdapterError: { cause: { originalCode: '22021' } } } }),
  ],
  ['a fault of ours', new TypeError('x is not a function')],
  ['a text', 'ECONNREFUSED'],
  ['nothing', undefined],
])('%s does not', (_what, error) => {
  expect(isStoreAway(error)).toBe(false);
});

test('a fault that causes itself ends the search', () => {
  const error = failure({});
  error.cause = error;
  expect(isStoreAway(error)).toBe(false);
});
