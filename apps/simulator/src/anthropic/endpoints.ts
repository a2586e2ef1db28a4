import { compose } from '../answer';
import type { Incoming, Plan } from '../dialect';
import { isObject, textOf } from '../json';
import { inputTokens, NO_USAGE } from '../tokens';
import { readPrompt } from './prompt';
import { messageBody, messageFrames } from './reply';
import { validateRequest } from './validate';

/** `POST /v1/messages`. */
export function planMessage({ headers, body, scenario, seed }: Incoming): Plan {
  validateRequest(body, headers, false);
  const prompt = readPrompt(body);
  const answer = compose(prompt, scenario, seed);
  const { model } = prompt;
  const thinkingOmitted = isObject(body['thinking']) && body['thinking']['display'] === 'omitted';
  const context = { model, scenario, seed, thinkingOmitted };
  return {
    scenario,
    model,
    usage: answer.usage,
    reply: prompt.stream
      ? { kind: 'stream', frames: messageFrames(answer, context) }
      : { kind: 'body', body: messageBody(answer, context) },
  };
}

/** `POST /v1/messages/count_tokens`: what the same request would report as input. Costs nothing. */
export function planCount({ headers, body, scenario }: Incoming): Plan {
  validateRequest(body, headers, true);
  const counted = scenario.inputTokens ?? inputTokens(body['system'], body['messages'], body['tools']);
  const reply = { kind: 'body' as const, body: Buffer.from(JSON.stringify({ input_tokens: counted })) };
  return { scenario, model: textOf(body['model']), usage: NO_USAGE, reply };
}
