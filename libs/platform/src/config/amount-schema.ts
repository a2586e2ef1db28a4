import { z } from 'zod';

const NANO_PER_USD = 1_000_000_000;
const PICO_PER_TOKEN = 1_000_000;

function isWhole(value: number): boolean {
  // A decimal such as 0.1 times a power of ten is off by some ulps, never by a thousandth.
  return Math.abs(value - Math.round(value)) < 1e-3;
}

/** An amount of USD, whole in nano-USD and small enough to be exact. */
export const usdSchema = z
  .number()
  .nonnegative('must not be negative')
  .max(9_000_000, 'must be at most 9,000,000 USD')
  .refine((usd) => isWhole(usd * NANO_PER_USD), 'is finer than 0.000000001 USD');

/** USD per million tokens, whole in pico-USD per token. */
export const pricePerMillionSchema = z
  .number()
  .nonnegative('must not be negative')
  .max(100_000, 'must be at most 100,000 USD per million tokens')
  .refine((usd) => isWhole(usd * PICO_PER_TOKEN), 'is finer than 0.000001 USD per million tokens');

export function nanoUsd(usd: number): number {
  return Math.round(usd * NANO_PER_USD);
}

export const countSchema = z.number().int('must be a whole number').positive('must be positive');

export const limitsSchema = z.strictObject({
  rpm: countSchema.optional(),
  itpm: countSchema.optional(),
  otpm: countSchema.optional(),
  concurrency: countSchema.optional(),
});

export const budgetSchema = z.strictObject({ usd: usdSchema, period: z.enum(['total', 'day', 'week', 'month']) });
