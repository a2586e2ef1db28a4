import { createLogger } from './logger';

function logged(entry: object): Record<string, unknown> {
  const lines: string[] = [];
  createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(line) }).info(entry, 'text');
  return JSON.parse(lines[0] as string) as Record<string, unknown>;
}

test('an entry is one JSON object with level, name, RFC 3339 time and text', () => {
  const { time, ...rest } = logged({ tenant: 'acme' });
  expect(rest).toMatchObject({ level: 'info', name: 'test', msg: 'text', tenant: 'acme' });
  expect(new Date(time as string).toISOString()).toBe(time);
});

test.each([
  'authorization',
  'Authorization',
  'x-api-key',
  'api-key',
  'apiKey',
  'api_key',
  'password',
  'adminToken',
  'databaseUrl',
])('the value of %s never appears, at the top or nested', (field) => {
  const secret = { [field]: 'hunter2' };
  const entry = logged({ ...secret, request: { headers: secret }, provider: { ...secret, a: { b: secret } } });
  expect(JSON.stringify(entry)).not.toContain('hunter2');
  expect(entry[field]).toBe('[redacted]');
});

test('an entry below the level is not written', () => {
  const lines: string[] = [];
  createLogger({ level: 'warn', name: 'test' }, { write: (line) => void lines.push(line) }).info('text');
  expect(lines).toEqual([]);
});
