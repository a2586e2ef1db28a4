import fc from 'fast-check';
import {
  NAMESPACE_SEPARATOR,
  type CacheHint,
  type Conversation,
  type Message,
  type OutputFormat,
  type Part,
  type Reasoning,
  type Sampling,
  type TextPart,
  type Tool,
  type ToolCallPart,
  type ToolChoice,
  type ToolResultPart,
} from './conversation';
import type { JsonObject } from './json';
import {
  defined,
  optional,
  arbitraryText,
  arbitraryCacheHint,
  arbitraryJsonObject,
  arbitraryTextPart,
  arbitraryImagePart,
  arbitraryDocumentPart,
  arbitraryToolName,
  arbitraryArguments,
  arbitraryPastThinkingPart,
  arbitraryAssistantText,
} from './parts.arbitrary';

export * from './parts.arbitrary';
export * from './reply.arbitrary';

interface Exchange {
  thinking: Part[];
  texts: Part[];
  calls: { name: string; arguments: string; cache?: CacheHint; result: Part[]; isError?: boolean }[];
  followUp: Part[];
  system?: TextPart;
}

function exchange(names: readonly string[]): fc.Arbitrary<Exchange> {
  const call = fc.record({
    name: names.length === 0 ? fc.constant('unlisted_tool') : fc.constantFrom(...names),
    arguments: arbitraryArguments,
    result: fc.array(fc.oneof({ weight: 4, arbitrary: arbitraryTextPart }, arbitraryImagePart, arbitraryDocumentPart), {
      maxLength: 3,
    }),
    isError: optional(fc.boolean()),
  });
  return fc.record({
    thinking: fc.array(arbitraryPastThinkingPart, { maxLength: 1 }),
    texts: fc.array(arbitraryAssistantText, { minLength: 1, maxLength: 2 }),
    calls: fc.array(call.map(defined), { maxLength: 3 }),
    followUp: fc.array(fc.oneof(arbitraryTextPart, arbitraryImagePart, arbitraryDocumentPart), {
      minLength: 1,
      maxLength: 2,
    }),
    system: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, arbitraryTextPart),
  }) as fc.Arbitrary<Exchange>;
}

function exchangeMessages({ thinking, texts, calls, followUp, system }: Exchange, turn: number): Message[] {
  const callId = (index: number): string => `call_${turn}_${index}`;
  const toolCalls = calls.map((call, index): ToolCallPart => ({
    type: 'tool-call',
    id: callId(index),
    name: call.name,
    arguments: call.arguments,
  }));
  const results = calls.map((call, index): ToolResultPart =>
    defined({ type: 'tool-result', callId: callId(index), parts: call.result, isError: call.isError }),
  );
  const messages: Message[] = [{ role: 'assistant', parts: [...thinking, ...texts, ...toolCalls] }];
  messages.push({ role: 'user', parts: [...results, ...followUp] });
  if (system !== undefined) messages.push({ role: 'system', parts: [system] });
  return messages;
}

const toolOf = (name: string): fc.Arbitrary<Tool> =>
  fc
    .record({
      type: fc.constant('function' as const),
      name: fc.constant(name),
      description: optional(arbitraryText),
      inputSchema: arbitraryJsonObject.map((properties): JsonObject => ({ type: 'object', properties })),
      strict: optional(fc.boolean()),
      cache: arbitraryCacheHint,
      deferLoading: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constant(true)),
    })
    .map(defined);

/** With a namespace too, of which only Responses knows. */
const toolName = fc.oneof(
  { weight: 4, arbitrary: arbitraryToolName },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('crm', 'mail'), fc.stringMatching(/^[a-z_]{1,8}$/))
      .map((names) => names.join(NAMESPACE_SEPARATOR)),
  },
);

const messagesAndTools = fc
  .uniqueArray(toolName, { maxLength: 3 })
  .chain((names) =>
    fc.record({
      tools: fc.tuple(...names.map(toolOf)) as fc.Arbitrary<Tool[]>,
      toolChoice: optional(
        fc.oneof<fc.Arbitrary<ToolChoice>[]>(
          fc.constantFrom<ToolChoice>({ type: 'auto' }, { type: 'none' }, { type: 'required' }),
          ...(names.length === 0 ? [] : [fc.constantFrom(...names.map((name) => ({ type: 'tool', name }) as const))]),
        ),
      ),
      system: fc.array(arbitraryTextPart, { maxLength: 2 }),
      first: fc.array(fc.oneof(arbitraryTextPart, arbitraryImagePart, arbitraryDocumentPart), {
        minLength: 1,
        maxLength: 3,
      }),
      exchanges: fc.array(exchange(names), { maxLength: 3 }),
    }),
  )
  .map(({ tools, toolChoice, system, first, exchanges }) => {
    const head: Message[] = system.length === 0 ? [] : [{ role: 'system', parts: system }];
    const turns = exchanges.flatMap((turn, index) => exchangeMessages(turn, index));
    const messages: Message[] = [...head, { role: 'user', parts: first }, ...turns];
    return { tools, toolChoice: tools.length === 0 ? undefined : toolChoice, messages };
  });

const sampling: fc.Arbitrary<Sampling> = fc
  .record({
    temperature: optional(fc.constantFrom(0, 0.3, 1, 1.5, 2)),
    topP: optional(fc.constantFrom(0.1, 1)),
    topK: optional(fc.nat(100)),
    presencePenalty: optional(fc.constantFrom(-1, 0.5)),
    frequencyPenalty: optional(fc.constantFrom(-1, 0.5)),
    seed: optional(fc.nat(1000)),
  })
  .map(defined);

const reasoning: fc.Arbitrary<Reasoning> = fc.oneof(
  fc.constantFrom<Reasoning>({ mode: 'adaptive' }, { mode: 'disabled' }),
  fc.constantFrom('low', 'medium', 'high').map((effort): Reasoning => ({ effort })),
  fc.integer({ min: 1024, max: 4000 }).map((budgetTokens): Reasoning => ({ mode: 'enabled', budgetTokens })),
);

const outputFormat: fc.Arbitrary<OutputFormat> = fc
  .record({
    type: fc.constant('json-schema' as const),
    schema: arbitraryJsonObject.map((properties): JsonObject => ({ type: 'object', properties })),
    name: optional(fc.stringMatching(/^[a-z_]{1,10}$/)),
    strict: optional(fc.boolean()),
  })
  .map(defined);

/**
 * Random canonical values for property tests. Conversations are well formed as a provider would take them: turns
 * alternate, every tool call is answered in the next user message, no text is blank. They do hold what one dialect or
 * another cannot carry; which, is for each test to work out.
 */
export const arbitraryConversation: fc.Arbitrary<Conversation> = fc
  .record({
    turns: messagesAndTools,
    model: fc.constantFrom('claude-sonnet-4.6', 'openai/gpt-5'),
    parallelToolCalls: optional(fc.boolean()),
    maxOutputTokens: optional(fc.integer({ min: 4001, max: 64_000 })),
    sampling,
    stopSequences: optional(fc.uniqueArray(arbitraryText, { minLength: 1, maxLength: 4 })),
    reasoning: optional(reasoning),
    outputFormat: optional(outputFormat),
    stream: fc.boolean(),
    endUser: optional(fc.stringMatching(/^user_[a-z0-9]{1,8}$/)),
  })
  .map(({ turns, parallelToolCalls, ...rest }) =>
    defined({
      ...rest,
      ...defined(turns),
      parallelToolCalls: turns.tools.length === 0 ? undefined : parallelToolCalls,
      unmapped: [],
    }),
  );
