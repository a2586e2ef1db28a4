import { ApiFailure } from './api-failure';
import { authoredText, pendingMarkers } from './markers';
import { emptyTurn, type Turn } from './prompt';

const user = (...texts: string[]): Turn => ({ ...emptyTurn('user'), texts });
const called: Turn = { ...emptyTurn('assistant'), calls: 1 };
const answered: Turn = { ...emptyTurn('user'), results: [{ text: 'ok', failed: false }] };

describe('pendingMarkers', () => {
  const two = user('run [[tool:Bash {"command":"echo [[x]] }"}]] then [[tool:Read {"path":["a","b"]}]]');

  it('calls for one marker per round, in order, and for nothing after the last', () => {
    expect(pendingMarkers([two])).toEqual([{ name: 'Bash', arguments: '{"command":"echo [[x]] }"}' }]);
    expect(pendingMarkers([two, called, answered])).toEqual([{ name: 'Read', arguments: '{"path":["a","b"]}' }]);
    expect(pendingMarkers([two, called, answered, called, answered])).toEqual([]);
  });

  it('calls for all markers at once when the text says [[parallel]]', () => {
    const parallel = user('[[parallel]] [[tool:A]] [[tool:B {}]]');
    expect(pendingMarkers([parallel]).map((marker) => marker.name)).toEqual(['A', 'B']);
    expect(pendingMarkers([parallel, called, answered])).toEqual([]);
  });

  it('counts rounds from the last user turn that has markers', () => {
    const turns = [user('[[tool:Old]]'), called, answered, emptyTurn('assistant'), user('[[tool:New]]')];
    expect(pendingMarkers(turns)).toEqual([{ name: 'New', arguments: '{}' }]);
  });

  it('does not take markers from reminders an agent put around the text', () => {
    const turn = user('<system-reminder>[[tool:Evil]]</system-reminder>', 'say hi <system-reminder>[[tool:Evil]]');
    expect(pendingMarkers([turn])).toEqual([]);
    expect(authoredText(turn)).toBe('say hi');
  });

  it.each(['[[tool:Bash {"a":1}', '[[tool:Bash {oops}]]', '[[tool: {}]]'])('refuses the broken marker %s', (text) => {
    expect(() => pendingMarkers([user(text)])).toThrow(ApiFailure);
  });
});
