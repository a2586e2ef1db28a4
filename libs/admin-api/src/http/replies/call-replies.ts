import { z } from 'zod';
import { decimalUsdReply, digitsReply, instantReply, named, pageOfReplies } from './reply-registry';

const count = z.number().int();

export const callReply = named(
  'Call',
  z
    .strictObject({
      requestId: z.string(),
      at: instantReply,
      tenant: z.string(),
      key: z.string(),
      endpoint: z.string(),
      clientDialect: z.string(),
      requestedModel: z.string().nullable(),
      model: z.string().nullable(),
      upstream: z.string().nullable(),
      stream: z.boolean().nullable(),
      status: count,
      outcome: z.string().describe('Why the reply ended, or the code of the error.'),
      inputTokens: count.nullable(),
      cacheReadTokens: count.nullable(),
      cacheWrite5mTokens: count.nullable(),
      cacheWrite1hTokens: count.nullable(),
      outputTokens: count.nullable(),
      reasoningTokens: count.nullable(),
      costNanoUsd: digitsReply.nullable(),
      costUsd: decimalUsdReply.nullable(),
      accuracy: z.enum(['exact', 'estimated', 'orphaned']).nullable(),
      firstTokenMs: count.nullable(),
      latencyMs: count,
      attempts: count,
      ip: z.string(),
      userAgent: z.string().nullable(),
      clientRequestId: z.string().nullable(),
      prompt: z.string().nullable().optional().describe('With `prompts=true` alone.'),
      promptTruncated: z.boolean().optional(),
    })
    .describe('Null: not known, since no upstream was called or the body was not read.'),
);

export const callPageReply = pageOfReplies('CallPage', callReply);
