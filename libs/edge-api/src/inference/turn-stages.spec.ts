import { TurnStages } from './turn-stages';

const turn = (): Promise<void> => new Promise(setImmediate);

test('what a turn gathered is worked off stage by stage, replies first', async () => {
  const done: string[] = [];
  const stages = new TurnStages(fail);
  for (const call of ['a', 'b']) {
    stages.add('begin', () => done.push(`${call} begins`));
    stages.add('end', () => done.push(`${call} is on record`));
    stages.add('send', () => {
      done.push(`${call} is answered`);
      stages.add('end', () => done.push(`${call} is settled`));
    });
  }
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual([
    ...['a is answered', 'b is answered'],
    ...['a is on record', 'b is on record', 'a is settled', 'b is settled'],
    ...['a begins', 'b begins'],
  ]);
});

test('what throws is told, and harms no other', async () => {
  const failures: unknown[] = [];
  const done: string[] = [];
  const stages = new TurnStages((error) => failures.push(error));
  stages.add('send', () => {
    throw new Error('a bug of ours');
  });
  stages.add('send', () => done.push('answered'));
  await turn();
  expect(failures).toEqual([new Error('a bug of ours')]);
  expect(done).toEqual(['answered']);
});

test('what comes too late for its stage is done in the next turn, and nothing twice', async () => {
  const done: string[] = [];
  const stages = new TurnStages(fail);
  stages.add('begin', () => stages.add('send', () => done.push('answered')));
  stages.run();
  expect(done).toEqual([]);
  stages.run();
  expect(done).toEqual(['answered']);
  await turn();
  expect(done).toEqual(['answered']);
});

function fail(error: unknown): never {
  throw error;
}
