import { adaptConversation } from '../adaptations/adapt';
import type { Dialect, ReplyContext, RequestTarget } from '../dialect';
import { DIALECTS } from '../dialects/registry';
import type { JsonObject, JsonValue } from '../json';
import { spliceBytes } from '../json-span';
import type { Loss } from '../loss';
import { sniffRequest } from '../sniff';
import { SseDecoder } from '../sse/decoder';
import type { CorpusCase, Fixture } from './corpus-case';
import { throughJson, SHOWN, TARGET } from './translate';

/** What came of one fixture: a JSON body or SSE text with what was reported of it, or the fault that refused it. */
export interface Outcome {
  body?: JsonObject;
  sse?: string;
  losses: readonly Loss[];
  fault?: string;
}

export function translate(fixture: Fixture): Outcome {
  switch (fixture.kind) {
    case 'request':
      return fixture.from === fixture.to && !holdsEnvelope(fixture) ? passRequest(fixture) : sendRequest(fixture);
    case 'reply':
      return fixture.from === fixture.to ? tapReply(fixture) : answerReply(fixture);
    case 'stream':
      return fixture.from === fixture.to ? tapStream(fixture) : answerStream(fixture);
  }
}

/** The text of the golden file. */
export function goldenOf({ body, sse, losses, fault }: Outcome): string {
  if (fault !== undefined) return `${JSON.stringify({ fault }, null, 2)}\n`;
  if (sse === undefined) return `${JSON.stringify({ losses, body }, null, 2)}\n`;
  return losses.map(({ feature, path }) => `: lost ${feature} at ${path}\n`).join('') + sse;
}

/** As the gateway passes it: the same bytes but for the model's name. */
function passRequest({ input }: Fixture): Outcome {
  const sniffed = sniffRequest(input);
  if (!sniffed.ok || !sniffed.modelSpan) throw new Error('The request names no model');
  const bytes = spliceBytes(input, [{ ...sniffed.modelSpan, replacement: JSON.stringify(TARGET.model) }]);
  return { body: objectOf(bytes), losses: [] };
}

/** Another provider's signature or our own summary, which only we can read: such a body does not pass as it is. */
export function holdsEnvelope({ input }: Fixture): boolean {
  return input.includes('"sbsig.') || input.includes('"sbred.') || input.includes('"sbsum.');
}

/** Decoded, adapted to the upstream's model and encoded, as also between two of one dialect where something has to change. */
export function sendRequest({ of, from, to, input }: Fixture): Outcome {
  const decoded = DIALECTS[from].decodeRequest(objectOf(input));
  if (!decoded.ok) return { losses: [], fault: decoded.fault.message };
  const target: RequestTarget = { ...TARGET, customTools: to !== 'anthropic-messages', ...of.target };
  const { customTools } = target;
  const adapted = adaptConversation(decoded.value, { customTools, tools: 'native', structuredOutputs: true });
  if (!adapted.ok) return { losses: [], fault: adapted.fault.message };
  const encoded = DIALECTS[to].encodeRequest(adapted.conversation, target);
  if (!encoded.ok) return { losses: [], fault: encoded.fault.message };
  return { body: throughJson(encoded.body), losses: [...adapted.losses, ...encoded.losses] };
}

function tapReply({ from, input }: Fixture): Outcome {
  const { body, failure } = DIALECTS[from].tapReply(input, tapContext);
  return failure === undefined ? { body: objectOf(body), losses: [] } : { losses: [], fault: failure.message };
}

function answerReply({ of, from, to, input }: Fixture): Outcome {
  const decoded = DIALECTS[from].decodeReply(objectOf(input), replyContext(of));
  if (!decoded.ok) return { losses: [], fault: decoded.fault.message };
  const { body, losses } = DIALECTS[to].encodeReply(decoded.value, SHOWN);
  return { body: throughJson(body), losses };
}

function tapStream({ from, input }: Fixture): Outcome {
  const tap = DIALECTS[from].streamTap(tapContext);
  return { sse: Buffer.concat([tap.push(input), tap.end('completed')]).toString(), losses: [] };
}

function answerStream({ of, from, to, input }: Fixture): Outcome {
  const whole = streamed(DIALECTS[from], DIALECTS[to], of, input, input.length);
  // Networks cut anywhere.
  if (streamed(DIALECTS[from], DIALECTS[to], of, input, 7).sse !== whole.sse) throw new Error('The pieces matter');
  return whole;
}

function streamed(upstream: Dialect, client: Dialect, of: CorpusCase, bytes: Buffer, size: number): Outcome {
  const sse = new SseDecoder();
  const decoder = upstream.streamDecoder(replyContext(of));
  const encoder = client.streamEncoder(SHOWN);
  let text = '';
  for (let start = 0; start < bytes.length; start += size) {
    for (const event of sse.push(bytes.subarray(start, start + size)))
      for (const canonical of decoder.push(event)) text += encoder.push(canonical);
  }
  for (const canonical of decoder.end('completed')) text += encoder.push(canonical);
  return { sse: text, losses: encoder.losses };
}

const tapContext = { model: SHOWN.model, includeUsage: true };

function replyContext({ stopSequences, toolNames = {} }: CorpusCase): ReplyContext {
  return { toolNames: new Map(Object.entries(toolNames)), ...(stopSequences && { stopSequences }) };
}

function objectOf(bytes: Buffer): JsonObject {
  return JSON.parse(bytes.toString()) as JsonValue as JsonObject;
}
