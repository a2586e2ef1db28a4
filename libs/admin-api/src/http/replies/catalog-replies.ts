import { z } from 'zod';
import { instantReply, named, pageOfReplies } from './reply-registry';
import { managedReply } from './tenant-replies';

const count = z.number().int();

export const providerReply = named(
  'Provider',
  z.strictObject({
    id: z.string(),
    kind: z.string(),
    baseUrl: z.string(),
    apiVersion: z.string().nullable(),
    tier: count,
    timeouts: z.strictObject({ connectMs: count, firstTokenMs: count, idleMs: count, totalMs: count }),
    limits: z.strictObject({ concurrency: count.optional(), rpm: count.optional(), tpm: count.optional() }),
    probe: z.union([z.strictObject({ path: z.string().optional(), intervalMs: count }), z.literal('off')]).nullable(),
    trustedNetwork: z.boolean(),
    hasApiKey: z.boolean(),
    headerNames: z.array(z.string()),
    secretsReadable: z.boolean(),
    ...managedReply,
  }),
);

export const providerPageReply = pageOfReplies('ProviderPage', providerReply);

const tokenPrices = {
  input: z.number(),
  output: z.number(),
  cacheRead: z.number(),
  cacheWrite5m: z.number(),
  cacheWrite1h: z.number(),
  reasoning: z.number().optional(),
};

/** USD per million tokens. */
const pricesReply = named(
  'Prices',
  z.strictObject({
    ...tokenPrices,
    longPrompt: z.strictObject({ aboveInputTokens: count, ...tokenPrices }).optional(),
    batch: z.strictObject(tokenPrices).optional(),
  }),
);

const priceVersion = { version: z.string(), effectiveFrom: instantReply, prices: pricesReply };

export const modelReply = named(
  'Model',
  z.strictObject({
    id: z.string(),
    displayName: z.string(),
    description: z.string(),
    category: z.enum(['llm', 'embedding']),
    createdAt: z.iso.datetime({ offset: true }),
    aliases: z.array(z.string()),
    contextWindow: count,
    maxOutputTokens: count,
    capabilities: z.strictObject({
      streaming: z.boolean(),
      tools: z.enum(['native', 'emulated', 'none']),
      vision: z.boolean(),
      documents: z.boolean(),
      reasoning: z.boolean(),
      structuredOutputs: z.boolean(),
    }),
    pricing: pricesReply,
    priceVersions: z.array(z.strictObject(priceVersion)),
    onDisconnect: z.enum(['cancel', 'drain']),
    upstreams: z.array(
      z.strictObject({ provider: z.string(), model: z.string(), weight: z.number(), cost: pricesReply }),
    ),
    managedBy: managedReply.managedBy,
    updatedAt: instantReply,
  }),
);

export const modelPageReply = pageOfReplies('ModelPage', modelReply);

export const pricePageReply = pageOfReplies(
  'PricePage',
  named(
    'PriceVersion',
    z.strictObject({
      ...priceVersion,
      state: z.enum(['past', 'current', 'scheduled', 'withdrawn']),
      createdAt: instantReply,
      actor: z.string(),
    }),
  ),
);

export const explanationReply = named(
  'Explanation',
  z.strictObject({
    requested: z.string(),
    resolved: z.string().optional(),
    found: z.boolean(),
    suggestions: z.array(z.string()),
    candidates: z.array(
      z.strictObject({
        model: z.string(),
        provider: z.string(),
        upstreamModel: z.string(),
        tier: z.number(),
        weight: z.number(),
        costUsdPerMillion: z.strictObject({ input: z.number(), output: z.number() }),
        eligible: z.boolean(),
        reason: z.string(),
        state: z.enum(['healthy', 'degraded', 'half-open', 'open']).optional(),
        stateReason: z.string().optional(),
        rank: z.number().optional(),
        expectedCostUsd: z.number().optional(),
        expectedSeconds: z.number().optional(),
        firstTokenMs: z.number().optional(),
        tokensPerSecond: z.number().optional(),
        outputTokens: z.number().optional(),
        cacheHitRate: z.number().optional(),
      }),
    ),
    snapshotCreatedAtMs: z.number().optional(),
    snapshotVersion: z.number().optional(),
  }),
);
