import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { CallTracker, type TrackedCall } from './call-tracker';
import { argumentsText, callsOf, fallbackCallId } from './convert-tool-calls';
import { JsonExtent } from './json-extent';
import { decodeFinishReason, encodeFinishReason } from './map-finish-reason';
import { isAbsent, textMember } from '../openai/members';
import { idMember } from './wire';

interface RepairedCall extends TrackedCall {
  /** The index that clients are told. */
  position: number;
}

/** What one choice of a stream told so far. */
interface RepairedChoice {
  hasBegun: boolean;
  calls: CallTracker<RepairedCall>;
}

/**
 * Puts right, in a stream that is passed on as it comes, what compatible servers leave out or get wrong and clients of OpenAI
 * cannot do without: the role; of a tool call its id, its type, an index of its own, arguments that are text; the end in
 * one of OpenAI's words, and `tool_calls` where there were some. Created per reply.
 */
export class StreamRepair {
  private readonly choices = new Map<number, RepairedChoice>();
  private replyId = '';

  /** The choices of a chunk put right; undefined: nothing is amiss. */
  repairChunk(chunk: JsonObject): JsonValue[] | undefined {
    this.replyId ||= idMember(chunk);
    return mapChanged(chunk.choices, (choice) => this.repairChoice(choice, this.choiceOf(choice.index)));
  }

  /** Of the choice with that index, or of any. */
  hasCalls(index?: number): boolean {
    if (index !== undefined) return (this.choices.get(index)?.calls.count ?? 0) > 0;
    return [...this.choices.values()].some(({ calls }) => calls.count > 0);
  }

  private choiceOf(wireIndex: JsonValue | undefined): RepairedChoice {
    const index = typeof wireIndex === 'number' ? wireIndex : 0;
    let choice = this.choices.get(index);
    if (choice === undefined) {
      const calls = new CallTracker<RepairedCall>((position) => {
        return { id: '', name: '', extent: new JsonExtent(), position };
      });
      this.choices.set(index, (choice = { hasBegun: false, calls }));
    }
    return choice;
  }

  private repairChoice(choice: JsonObject, state: RepairedChoice): JsonObject {
    const delta = isJsonObject(choice.delta) ? choice.delta : {};
    const lacksRole = !state.hasBegun && textMember(delta, 'role') === undefined;
    state.hasBegun = true;
    const calls = mapChanged(callsOf(delta), (call) => this.repairCall(call, state.calls), isAlone(delta));
    const finish = repairFinish(choice.finish_reason, state.calls.count > 0);
    if (!lacksRole && !calls && finish === choice.finish_reason) return choice;
    const repaired = { ...delta, ...(lacksRole && { role: 'assistant' }), ...(calls && { tool_calls: calls }) };
    return { ...choice, delta: repaired, ...(finish !== undefined && { finish_reason: finish }) };
  }

  private repairCall(wire: JsonObject, calls: CallTracker<RepairedCall>): JsonObject {
    const isCustom = isJsonObject(wire.custom);
    const [kind, textName] = isCustom ? (['custom', 'input'] as const) : (['function', 'arguments'] as const);
    const member = wire[kind];
    const details = isJsonObject(member) ? member : {};
    const written = details[textName];
    const text = argumentsText(written);
    // A client that checks it fails, one that does not takes it as it is.
    if (text === undefined) return wire;
    const id = idMember(wire);
    const name = textMember(details, 'name') ?? '';
    const call = calls.callOf({ index: wire.index, id, name, text });
    const [idBefore, nameBefore] = [call.id, call.name];
    if (!isCustom) call.extent.push(text);
    call.id ||= id;
    call.name ||= name;
    // A call that has a name gets no id any more.
    if (call.name !== '') call.id ||= fallbackCallId(this.replyId, call.position);
    const announces = idBefore === '' && call.id !== '';
    const hasText = typeof written === 'string' || (isAbsent(written) && !announces);
    const isNumbered = wire.index === call.position;
    if (announces) {
      if (isNumbered && hasText && wire.id === call.id && !isAbsent(wire.type)) return wire;
      const whole = { ...details, [textName]: text };
      return { ...wire, index: call.position, id: call.id, type: wire.type ?? kind, [kind]: whole };
    }
    // Some clients add up whatever comes.
    const repeatsName = name !== '' && nameBefore !== '';
    const hasOtherId = !isAbsent(wire.id) && wire.id !== call.id;
    if (isNumbered && hasText && !repeatsName && !hasOtherId) return wire;
    const { id: _id, ...rest } = wire;
    const { name: _name, ...nameless } = details;
    const kept = { ...(repeatsName ? nameless : details), ...(!hasText && { [textName]: text }) };
    return { ...rest, index: call.position, [kind]: kept };
  }
}

/** The choices of a whole reply put right; undefined: nothing is amiss. */
export function repairReply(body: JsonObject): JsonValue[] | undefined {
  const replyId = idMember(body);
  return mapChanged(body.choices, (choice) => {
    const message = isJsonObject(choice.message) ? choice.message : {};
    const wires = callsOf(message);
    const calls = mapChanged(wires, (call, position) => wholeCall(call, replyId, position), isAlone(message));
    const finish = repairFinish(textMember(choice, 'finish_reason') || 'stop', wires.length > 0);
    if (!calls && finish === choice.finish_reason) return choice;
    return { ...choice, message: { ...message, ...(calls && { tool_calls: calls }) }, finish_reason: finish ?? null };
  });
}

function wholeCall(wire: JsonObject, replyId: string, position: number): JsonObject {
  const isCustom = isJsonObject(wire.custom);
  const details = isJsonObject(wire.function) ? wire.function : {};
  const text = argumentsText(details.arguments);
  const id = idMember(wire) || fallbackCallId(replyId, position);
  const hasText = isCustom || text === undefined || (text !== '' && text === details.arguments);
  if (id === wire.id && !isAbsent(wire.type) && hasText) return wire;
  const whole: JsonObject = { ...wire, id, type: wire.type ?? (isCustom ? 'custom' : 'function') };
  return hasText ? whole : { ...whole, function: { ...details, arguments: text || '{}' } };
}

/** OpenAI's word for the end; what nobody knows stays, and so does what says nothing yet. */
function repairFinish(word: JsonValue | undefined, hasToolCalls: boolean): JsonValue | undefined {
  if (typeof word !== 'string' || word === '' || (word === 'function_call' && !hasToolCalls)) return word;
  const finish = decodeFinishReason(word, { hasToolCalls, hasRefusal: false });
  return finish.unknown ? word : encodeFinishReason(finish.reason, false);
}

/** A list is due where there is one call. */
function isAlone({ tool_calls: calls }: JsonObject): boolean {
  return isJsonObject(calls);
}

/** The list with what `change` gives for its objects; undefined where it gave each back, unless `anyway`. */
function mapChanged(
  list: JsonValue | readonly JsonValue[] | undefined,
  change: (entry: JsonObject, position: number) => JsonObject,
  anyway = false,
): JsonValue[] | undefined {
  if (!Array.isArray(list)) return undefined;
  let isChanged = anyway;
  const entries = list.map((entry: JsonValue, position): JsonValue => {
    const changed = isJsonObject(entry) ? change(entry, position) : entry;
    isChanged ||= changed !== entry;
    return changed;
  });
  return isChanged ? entries : undefined;
}
