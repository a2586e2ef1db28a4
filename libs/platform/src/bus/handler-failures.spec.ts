import { createLogger } from '../logging/logger';
import { HandlerFailures } from './handler-failures';

test('a handler that goes on failing is said once, then every ten seconds with how often it was not', () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'warn', name: 'test' }, { write: (line: string) => void lines.push(line) });
  let nowMs = 0;
  const failures = new HandlerFailures(log, 'a.subject', () => nowMs);
  for (; nowMs < 10_500; nowMs += 100) failures.report(new Error('the store is away'));
  const said = lines.map((line) => JSON.parse(line) as { subject: string; unsaid?: number });
  expect(said.map(({ unsaid }) => unsaid)).toEqual([undefined, 99]);
  expect(said[0]).toMatchObject({ subject: 'a.subject', err: { message: 'the store is away' } });
});
