import type { Conversation } from '../conversation';
import type { Fault } from '../dialect';
import type { Loss } from '../loss';
import type { Reply } from '../reply';
import type { StreamEvent } from '../stream-event';
import type { AdaptationTarget, AdaptedReply, ReplyChange, StreamAdapter } from './change';
import { compactionToSummary } from './compaction';
import { customToolsToFunctions } from './custom-tools';
import { emulateTools } from './emulated-tools';

/** What is to be done to the reply of an adapted conversation; the change nearest to the upstream first. */
export type Adaptation = readonly ReplyChange[];

export type AdaptedConversation =
  | {
      ok: true;
      conversation: Conversation;
      losses: readonly Loss[];
      /** Absent where the reply is to be left as it is. */
      adaptation: Adaptation | undefined;
    }
  | { ok: false; fault: Fault };

/**
 * Says a conversation in what the upstream model takes, whatever its dialect: compaction as a request in words, free-text tools
 * as functions, tools as JSON. The same object where nothing is to change.
 */
export function adaptConversation(conversation: Conversation, target: AdaptationTarget): AdaptedConversation {
  const losses: Loss[] = [];
  const changes: ReplyChange[] = [];
  let current = conversation;
  const isEmulated = target.tools === 'emulated';
  if (current.compaction === true) {
    const { conversation: summarised, change } = compactionToSummary(current);
    current = summarised;
    if (change) changes.unshift(change);
  }
  if (!target.customTools || isEmulated) {
    const { conversation: converted, change } = customToolsToFunctions(current, losses);
    current = converted;
    if (change) changes.unshift(change);
  }
  if (isEmulated) {
    const emulated = emulateTools(current, target, losses);
    if (!emulated.ok) return emulated;
    current = emulated.value.conversation;
    if (emulated.value.change) changes.unshift(emulated.value.change);
  }
  return { ok: true, conversation: current, losses, adaptation: changes.length > 0 ? changes : undefined };
}

/** A fault where the upstream did not give what was asked for in the client's place. */
export function adaptReply(reply: Reply, adaptation: Adaptation): AdaptedReply {
  const losses: Loss[] = [];
  let current = reply;
  for (const change of adaptation) {
    const adapted = change.reply(current);
    if (!adapted.ok) return adapted;
    current = adapted.value;
    losses.push(...adapted.losses);
  }
  return { ok: true, value: current, losses };
}

export function streamAdapter(adaptation: Adaptation): StreamAdapter {
  return new AdaptationStream(adaptation.map((change) => change.stream()));
}

class AdaptationStream implements StreamAdapter {
  constructor(private readonly adapters: readonly StreamAdapter[]) {}

  push(event: StreamEvent): StreamEvent[] {
    let events = [event];
    for (const adapter of this.adapters) {
      events = events.length === 1 && events[0] !== undefined ? adapter.push(events[0]) : pushAll(adapter, events);
    }
    return events;
  }
}

function pushAll(adapter: StreamAdapter, events: readonly StreamEvent[]): StreamEvent[] {
  return events.flatMap((event) => adapter.push(event));
}
