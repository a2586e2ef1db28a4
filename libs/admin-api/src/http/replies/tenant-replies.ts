import { z } from 'zod';
import { decimalUsdReply, digitsReply, instantReply, named, pageOfReplies } from './reply-registry';

const count = z.number().int();

export const limitsReply = z.strictObject({
  rpm: count.optional(),
  itpm: count.optional(),
  otpm: count.optional(),
  concurrency: count.optional(),
});

const periodReply = z.enum(['total', 'day', 'week', 'month']);
const budgetReply = z.strictObject({ usd: z.number(), period: periodReply });

export const managedReply = {
  managedBy: z.enum(['file', 'api']),
  createdAt: instantReply,
  updatedAt: instantReply,
};

export const tenantReply = named(
  'Tenant',
  z.strictObject({
    id: z.string(),
    name: z.string(),
    active: z.boolean(),
    limits: limitsReply,
    budget: budgetReply.nullable(),
    callLogRetentionDays: count.nullable(),
    ...managedReply,
  }),
);

export const tenantPageReply = pageOfReplies('TenantPage', tenantReply);

const keyShape = {
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  kind: z.enum(['service', 'user', 'team']),
  permissions: z.array(z.string()),
  models: z.array(z.string()),
  origins: z.array(z.string()),
  ips: z.array(z.string()),
  expiresAt: instantReply.nullable(),
  limits: limitsReply,
  budget: budgetReply.nullable(),
  logging: z.strictObject({ requests: z.boolean(), prompts: z.boolean() }),
  revoked: z.boolean(),
  revokedAt: instantReply.nullable(),
  hint: z.string(),
  secrets: z.array(
    z.strictObject({
      hint: z.string(),
      pepperId: z.string(),
      createdAt: instantReply,
      expiresAt: instantReply.nullable(),
    }),
  ),
  ...managedReply,
};

export const keyReply = named('Key', z.strictObject(keyShape));

export const keyPageReply = pageOfReplies('KeyPage', keyReply);

/** `key`: the plaintext, shown this once. */
export const newKeyReply = named('NewKey', z.strictObject({ ...keyShape, key: z.string() }));

const rateReply = named(
  'Rate',
  z.strictObject({ limit: count, remaining: count, resetSeconds: z.number() }).describe('Per minute.'),
);

const scopeBudgetReply = named(
  'ScopeBudget',
  z.strictObject({
    id: z.enum(['budget', 'credits']).describe('`credits`: what the tenant paid in advance.'),
    period: periodReply,
    limitUsd: decimalUsdReply,
    known: z
      .boolean()
      .describe('False: the limiter has not read yet what was spent; the rest is null until a call asks.'),
    spentUsd: decimalUsdReply.nullable(),
    heldUsd: decimalUsdReply.nullable().describe('Set aside for open calls.'),
    remainingUsd: decimalUsdReply.nullable().describe('Neither spent nor held.'),
    periodStart: instantReply.nullable().describe('Null of `total` too.'),
  }),
);

/** Null: not limited. */
const scopeStateReply = named(
  'ScopeState',
  z.strictObject({
    open: count.describe('Calls admitted and not yet settled.'),
    concurrency: z.strictObject({ limit: count, open: count }).nullable(),
    requests: rateReply.nullable(),
    inputTokens: rateReply.nullable(),
    outputTokens: rateReply.nullable(),
    budgets: z.array(scopeBudgetReply),
  }),
);

export const rateStateReply = named('RateState', z.strictObject({ key: scopeStateReply, tenant: scopeStateReply }));

/** What a budget's owner spent in the current period, and what is left; both in USD and exactly in nano-USD. */
export const budgetStateReply = named(
  'BudgetState',
  z.strictObject({
    owner: z.enum(['tenant', 'key']),
    id: z.string(),
    tenant: z.string(),
    name: z.string(),
    budget: budgetReply,
    periodStart: instantReply.nullable(),
    spentUsd: decimalUsdReply,
    spentNanoUsd: digitsReply,
    remainingUsd: decimalUsdReply,
    remainingNanoUsd: digitsReply,
  }),
);

export const budgetPageReply = pageOfReplies('BudgetPage', budgetStateReply);

export const creditEntryReply = named(
  'CreditEntry',
  z.strictObject({
    id: z.string(),
    tenant: z.string(),
    usd: z.number(),
    kind: z.enum(['opening', 'top_up']),
    note: z.string(),
    actor: z.string(),
    createdAt: instantReply,
  }),
);

export const ledgerPageReply = pageOfReplies('LedgerPage', creditEntryReply);

export const balanceReply = named(
  'Balance',
  z.strictObject({
    tenant: z.string(),
    paidUsd: decimalUsdReply,
    paidNanoUsd: digitsReply,
    spentUsd: decimalUsdReply,
    spentNanoUsd: digitsReply,
    balanceUsd: decimalUsdReply,
    balanceNanoUsd: digitsReply,
  }),
);
