import type { LimiterStep, ReservationRequest, ScopeBudget } from '@switchboard/contracts';

const BUDGETS: ReadonlySet<unknown> = new Set<ScopeBudget['id']>(['budget', 'credits']);
const PERIODS: ReadonlySet<unknown> = new Set<ScopeBudget['period']>(['total', 'day', 'week', 'month']);

/**
 * Edges of another release, and anybody who reaches the bus, may send anything: what is no step is refused by name,
 * before it touches the store.
 *
 * @throws Error
 */
export function checkStep(step: LimiterStep): LimiterStep {
  switch (step.do) {
    case 'reserve':
      checkRequest(step.request);
      break;
    case 'restore':
      checkLost(step);
      break;
    case 'extend':
      checkReserved(step.request);
      checkAmount('nanoUsd', step.request.nanoUsd);
      break;
    case 'settle': {
      const { settlement, request, outputTokens, heldNanoUsd } = step;
      checkReserved(settlement);
      for (const name of ['nanoUsd', 'inputTokens', 'outputTokens'] as const) checkAmount(name, settlement[name]);
      if (request !== undefined) checkLost({ request, outputTokens, heldNanoUsd });
      break;
    }
    case 'renew':
      checkReserved(step);
      break;
    default:
      throw new Error('do must be reserve, extend, settle, renew or restore');
  }
  return step;
}

type Named = { requestId: unknown; group: unknown; scopes: unknown };

function checkReserved({ requestId, group, scopes }: Named): void {
  checkText('requestId', requestId);
  checkText('group', group);
  if (!Array.isArray(scopes) || scopes.length === 0) throw new Error('scopes must be an array of at least one');
  for (const { scope, budgets } of scopes as { scope: unknown; budgets: unknown }[]) {
    checkText('scope', scope);
    if (!Array.isArray(budgets)) throw new Error('budgets must be an array');
  }
}

function checkRequest(request: ReservationRequest): void {
  checkReserved(request);
  checkAmount('startedAtMs', request.startedAtMs);
  const { inputTokens, outputTokens, nanoUsd } = request.amounts;
  checkAmount('inputTokens', inputTokens);
  checkAmount('outputTokens.least', outputTokens.least);
  checkAmount('outputTokens.most', outputTokens.most);
  checkAmount('nanoUsd', nanoUsd);
  for (const { limits, budgets } of request.scopes) {
    for (const [name, limit] of Object.entries(limits)) checkAmount(name, limit);
    for (const budget of budgets) checkBudget(budget);
  }
}

function checkBudget({ id, period, nanoUsd }: ScopeBudget): void {
  if (!BUDGETS.has(id)) throw new Error('a budget must be budget or credits');
  if (!PERIODS.has(period)) throw new Error('period must be total, day, week or month');
  checkAmount('budget', nanoUsd);
}

/** What is put back counts as held, room or not. */
function checkLost(lost: { request: ReservationRequest; outputTokens: unknown; heldNanoUsd: unknown }): void {
  checkRequest(lost.request);
  checkAmount('outputTokens', lost.outputTokens);
  checkAmount('heldNanoUsd', lost.heldNanoUsd);
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw new Error(`${name} must be given`);
}

function checkAmount(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Error(`${name} must be a whole number from 0`);
}
