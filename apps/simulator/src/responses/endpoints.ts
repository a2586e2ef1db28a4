import { compose } from '../answer';
import type { Incoming, Plan } from '../dialect';
import { isObject, objectsIn, textOf } from '../json';
import { inputTokens, NO_USAGE } from '../tokens';
import { failureFrames, responseFrames } from './frames';
import { readPrompt } from './prompt';
import { responseBody, type ReplyContext } from './reply';
import { validateCount, validateRequest } from './validate';

/** `POST /v1/responses`. Nothing is stored: `store` is taken, and no response is found again. */
export function planResponse({ body, scenario, seed }: Incoming): Plan {
  validateRequest(body);
  const prompt = readPrompt(body);
  const compacting = objectsIn(body['input']).at(-1)?.['type'] === 'compaction_trigger';
  const answer = compose(compacting ? { ...prompt, tools: [] } : prompt, scenario, seed);
  const reasoning = isObject(body['reasoning']) ? body['reasoning'] : {};
  const include = Array.isArray(body['include']) ? body['include'] : [];
  const { model } = prompt;
  const context: ReplyContext = {
    ...{ model, scenario, seed, request: body, compacting },
    summaryShown: textOf(reasoning['summary']) !== '' && scenario.thinking !== 'redacted',
    encryptedShown: include.includes('reasoning.encrypted_content'),
  };
  return {
    scenario,
    model,
    usage: answer.usage,
    reply: prompt.stream
      ? {
          kind: 'stream',
          frames: responseFrames(answer, context),
          failure: (failure, sent) => failureFrames(failure, sent, context),
        }
      : { kind: 'body', body: responseBody(answer, context) },
  };
}

/** `POST /v1/responses/input_tokens`: what the same request would report as input. Costs nothing. */
export function planInputTokens({ body, scenario }: Incoming): Plan {
  validateCount(body);
  const counted = scenario.inputTokens ?? inputTokens(body['instructions'], body['input'], body['tools']);
  const told = { object: 'response.input_tokens', input_tokens: counted };
  const reply = { kind: 'body' as const, body: Buffer.from(JSON.stringify(told)) };
  return { scenario, model: textOf(body['model']), usage: NO_USAGE, reply };
}
