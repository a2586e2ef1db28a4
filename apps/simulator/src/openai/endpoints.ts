import { compose } from '../answer';
import { refuse } from '../api-failure';
import type { Incoming, Plan } from '../dialect';
import { isObject, type JsonObject } from '../json';
import { readPrompt } from './prompt';
import { completionBody, completionFrames, totalUsage } from './reply';
import { validateRequest } from './validate';

const CHOICES_MAX = 128;

/** `POST /v1/chat/completions`. Reasoning is shown only where the scenario says so and an effort was asked for. */
export function planCompletion({ body, scenario, seed }: Incoming): Plan {
  validateRequest(body);
  const prompt = readPrompt(body);
  const effort = body['reasoning_effort'];
  const reasoningShown = scenario.thinking !== 'no' && typeof effort === 'string' && effort !== 'none';
  const quiet = reasoningShown ? scenario : { ...scenario, thinking: 'no' as const };
  const answers = Array.from({ length: choicesOf(body) }, (_, index) => compose(prompt, quiet, `${seed}${index}`));
  const options = isObject(body['stream_options']) ? body['stream_options'] : {};
  const { model } = prompt;
  const context = { model, scenario, seed, includeUsage: options['include_usage'] === true, reasoningShown };
  return {
    scenario,
    model,
    usage: totalUsage(answers),
    reply: prompt.stream
      ? { kind: 'stream', frames: completionFrames(answers, context) }
      : { kind: 'body', body: completionBody(answers, context) },
  };
}

function choicesOf(body: JsonObject): number {
  const wanted = body['n'] ?? 1;
  if (typeof wanted === 'number' && Number.isInteger(wanted) && wanted >= 1 && wanted <= CHOICES_MAX) return wanted;
  return refuse(`Invalid 'n': expected an integer between 1 and ${CHOICES_MAX}.`, 'n', 'invalid_value');
}
