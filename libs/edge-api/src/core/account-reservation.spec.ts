import type { Provider } from '@switchboard/contracts';
import fc from 'fast-check';
import { candidate } from './__fixtures__/candidate';
import { accountReservation, hasLimits } from './account-reservation';

const provider = (limits: Provider['limits']): Provider => candidate({ id: 'main', limits }).provider;
const call = { id: 'r1:1', tenantId: 'acme', inputTokens: 1_000, outputTokens: 64_000, startedAtMs: 7 };

describe('what a call takes of an account', () => {
  it('is counted against the account alone, with no money and no record', () => {
    const limits = { rpm: 10, tpm: 400_000, concurrency: 2 };
    expect(accountReservation(provider(limits), call)).toEqual({
      requestId: 'r1:1',
      group: 'provider:main',
      scopes: [{ scope: 'provider:main', limits, budgets: [] }],
      amounts: { inputTokens: 1_000, outputTokens: { least: 64_000, most: 64_000 }, nanoUsd: 0 },
      startedAtMs: 7,
    });
  });

  it('leaves room for others, whatever it may write', () => {
    const { amounts } = accountReservation(provider({ tpm: 41_000 }), call);
    expect(amounts.outputTokens).toEqual({ least: 10_000, most: 10_000 });
  });

  it('fits an idle account, however long its prompt and whatever it may write', () => {
    const tokens = fc.nat(10_000_000);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000 }), tokens, tokens, (tpm, inputTokens, outputTokens) => {
        const { amounts } = accountReservation(provider({ tpm }), { ...call, inputTokens, outputTokens });
        expect(amounts.outputTokens.least).toBeGreaterThanOrEqual(1);
        expect(amounts.outputTokens.least).toBeLessThanOrEqual(amounts.outputTokens.most);
        expect(amounts.inputTokens + amounts.outputTokens.least).toBeLessThanOrEqual(tpm);
        for (const units of [amounts.inputTokens, amounts.outputTokens.least]) expect(units).toBe(Math.floor(units));
      }),
    );
  });

  it('is all it may use where tokens are not limited', () => {
    const { amounts } = accountReservation(provider({ rpm: 10 }), call);
    expect(amounts).toEqual({ inputTokens: 1_000, outputTokens: { least: 1, most: 64_000 }, nanoUsd: 0 });
  });

  it('is nothing where the account has no limits', () => {
    expect([{}, { rpm: 1 }, { tpm: 1 }, { concurrency: 1 }].map((limits) => hasLimits(provider(limits)))).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
});
