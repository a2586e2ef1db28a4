import { DIALECTS } from '@switchboard/protocol';
import type { Dispatcher } from 'undici';
import type { UpstreamFailure } from '../core/upstream-failure';
import { candidate } from '../core/__fixtures__/candidate';
import type { PreparedCall } from './prepare-call';
import { PassThroughRelay } from './relay';
import { TurnStages } from './turn-stages';
import { UpstreamAttempt, type AttemptOwner } from './upstream-attempt';

const call: PreparedCall = {
  candidate: candidate(),
  body: Buffer.from('{}'),
  passThrough: true,
  requestLosses: [],
  reply: { toolNames: new Map() },
};

const edge = { sweeper: { nowMs: 0 }, stages: new TurnStages(fail) };

function fail(error: unknown): never {
  throw error;
}

/** Drives an attempt as undici does, for an owner in which every step after the head has a bug. */
function attemptOfBrokenOwner(stream: boolean) {
  const failures: UpstreamFailure[] = [];
  let aborted = false;
  const bug = (): never => {
    throw new TypeError('a bug of ours');
  };
  const owner: AttemptOwner = {
    openRelay: () => new PassThroughRelay(DIALECTS['anthropic-messages'], { model: 'm', includeUsage: false }),
    relayBytes: bug,
    relayEnded: bug,
    replyBuffered: bug,
    attemptFailed: (_attempt, failure) => failures.push(failure),
  };
  const controller = { abort: () => (aborted = true) } as unknown as Dispatcher.DispatchController;
  const attempt = new UpstreamAttempt(owner, call, stream, edge, 0);
  attempt.onRequestStart(controller);
  attempt.onResponseStart(controller, 200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
  return { attempt, controller, failures, wasAborted: () => aborted };
}

describe('a bug met while a reply is handled', () => {
  it('fails a stream’s attempt instead of ending the process', async () => {
    const { attempt, controller, failures, wasAborted } = attemptOfBrokenOwner(true);
    attempt.onResponseData(controller, Buffer.from('event: ping\ndata: {}\n\n'));
    await new Promise(setImmediate);
    expect(failures).toMatchObject([{ kind: 'gateway', cause: { message: 'a bug of ours' } }]);
    expect(wasAborted()).toBe(true);
  });

  it('fails at the end of a stream and of a whole reply too, once', async () => {
    for (const stream of [true, false]) {
      const { attempt, failures } = attemptOfBrokenOwner(stream);
      attempt.onResponseEnd();
      await new Promise(setImmediate);
      attempt.onResponseEnd();
      expect(failures.map(({ kind }) => kind)).toEqual(['gateway']);
    }
  });
});

const data = (number: number) => Buffer.from(`event: ping\ndata: {"n":${number}}\n\n`);

/** Of an owner that takes no more than it is told to. */
function attemptOfSlowOwner() {
  const heard: string[] = [];
  const steps: string[] = [];
  const state = { mayReadOn: false };
  const owner: AttemptOwner = {
    openRelay: () => new PassThroughRelay(DIALECTS['anthropic-messages'], { model: 'm', includeUsage: false }),
    relayBytes: (_attempt, _relay, bytes) => {
      heard.push(bytes.toString());
      return state.mayReadOn;
    },
    relayEnded: () => steps.push('ended'),
    replyBuffered: () => undefined,
    attemptFailed: () => steps.push('failed'),
  };
  const controller = {
    abort: () => undefined,
    pause: () => steps.push('pause'),
    resume: () => steps.push('resume'),
  } as unknown as Dispatcher.DispatchController;
  const attempt = new UpstreamAttempt(owner, call, true, edge, 0);
  attempt.onRequestStart(controller);
  attempt.onResponseStart(controller, 200, { 'content-type': 'text/event-stream' });
  const receive = async (number: number): Promise<void> => {
    attempt.onResponseData(controller, data(number));
    await new Promise(setImmediate);
  };
  return { attempt, heard, steps, state, receive };
}

test('what has come is handed over at once where it is asked for, and not again', async () => {
  const { attempt, heard, state, receive } = attemptOfSlowOwner();
  state.mayReadOn = true;
  const received = receive(1);
  expect(heard).toEqual([]);
  attempt.flush();
  attempt.cancel('the client left');
  await received;
  expect(heard).toEqual([data(1).toString()]);
});

describe('an attempt that is paused', () => {
  it('holds back what comes before the pause has an effect, until it goes on', async () => {
    const { attempt, heard, steps, state, receive } = attemptOfSlowOwner();
    await receive(1);
    await receive(2);
    expect([heard.length, steps]).toEqual([1, ['pause']]);
    state.mayReadOn = true;
    attempt.resume();
    expect(heard).toEqual([data(1).toString(), data(2).toString()]);
    expect(steps).toEqual(['pause', 'resume']);
    await receive(3);
    expect(heard).toHaveLength(3);
  });

  it('stays paused where its owner will not have more than what was held back', async () => {
    const { attempt, heard, steps, receive } = attemptOfSlowOwner();
    await receive(1);
    await receive(2);
    attempt.resume();
    expect([heard.length, attempt.paused, steps.includes('resume')]).toEqual([2, true, false]);
  });

  it('loses nothing where the upstream ends meanwhile', async () => {
    const { attempt, heard, steps, receive } = attemptOfSlowOwner();
    await receive(1);
    await receive(2);
    attempt.onResponseEnd();
    expect(heard).toEqual([data(1).toString(), data(2).toString()]);
    expect(steps).toEqual(['pause', 'ended']);
  });
});
