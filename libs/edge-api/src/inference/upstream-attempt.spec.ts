import { DIALECTS } from '@switchboard/protocol';
import type { Dispatcher } from 'undici';
import type { UpstreamFailure } from '../core/upstream-failure';
import { candidate } from '../core/__fixtures__/candidate';
import type { PreparedCall } from './prepare-call';
import { PassThroughRelay } from './relay';
import { UpstreamAttempt, type AttemptOwner } from './upstream-attempt';

const call: PreparedCall = {
  candidate: candidate(),
  body: Buffer.from('{}'),
  passThrough: true,
  requestLosses: [],
  reply: { toolNames: new Map() },
};

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
  const attempt = new UpstreamAttempt(owner, call, stream, { nowMs: 0 }, 0);
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

  it('fails at the end of a stream and of a whole reply too, once', () => {
    for (const stream of [true, false]) {
      const { attempt, failures } = attemptOfBrokenOwner(stream);
      attempt.onResponseEnd();
      attempt.onResponseEnd();
      expect(failures.map(({ kind }) => kind)).toEqual(['gateway']);
    }
  });
});
