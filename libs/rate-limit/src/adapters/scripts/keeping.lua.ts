import { COMMON } from './common.lua';

const LOAD = `
local now, epoch, id = clock(ARGV[1]), ARGV[2], ARGV[3]
local found = redis.call('HMGET', KEYS[1], 'state', 'numbers', 'starts', 'input', 'output', 'usd')
local state = found[1]
local scopes, starts, input, output, usd
if state == 'open' or state == 'orphaned' then
  scopes, starts = readScopes(readNumbers(found[2]), 1, 4), readNumbers(found[3])
  input, output, usd = tonumber(found[4]), tonumber(found[5]), tonumber(found[6])
end
`;

/*
 * All of these:
 *   KEYS: the reservation, the group's leases, its orphans, then those of each scope
 *   ARGV[1] now, or '' for the server's clock; ARGV[2] epoch; ARGV[3] request id
 */

/**
 * Gives back what was not used.
 *
 * Input: ARGV[4] nano-USD, ARGV[5] input tokens, ARGV[6] output tokens, ARGV[7] for how long to remember it, ms.
 * Output: 'done' (settled, now or before), 'orphaned' (it had expired; its money was put right), 'unknown'.
 */
export const SETTLE = `${COMMON}${LOAD}
local spent, spentInput, spentOutput = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if state == 'settled' then return 'done' end
if not state then
  if spent == 0 and spentInput == 0 and spentOutput == 0 then forget(id, ARGV[7]) end
  return 'unknown'
end
for _, charge in ipairs(charged(scopes, starts, epoch)) do
  local money = charge.money
  if state == 'open' then money.held = money.held - usd else money.spent = money.spent - usd end
  money.spent = money.spent + spent
  writeMoney(charge.budget, money)
end
if state == 'open' then
  for _, scope in ipairs(scopes) do readDebts(scope, now) end
  local moreInput, moreOutput = spentInput - input, spentOutput - output
  moveUnits(scopes, { 0, moreInput, moreOutput, moreInput + moreOutput })
end
closeFor(scopes, id)
forget(id, ARGV[7])
return state == 'open' and 'done' or 'orphaned'
`;

/**
 * Holds more money for an open call.
 *
 * Input: ARGV[4] nano-USD more. Output: { 'granted' }, { 'denied', scope, budget of the scope }, { 'unknown' } or
 * { 'orphaned' }.
 */
export const EXTEND = `${COMMON}${LOAD}
local more = tonumber(ARGV[4])
if state ~= 'open' then return { state == 'orphaned' and 'orphaned' or 'unknown' } end
local charges = charged(scopes, starts, epoch)
for _, charge in ipairs(charges) do
  if charge.money.spent + charge.money.held + more > charge.budget.limit then
    return { 'denied', charge.scope, charge.index }
  end
end
for _, charge in ipairs(charges) do
  charge.money.held = charge.money.held + more
  writeMoney(charge.budget, charge.money)
end
redis.call('HSET', KEYS[1], 'usd', usd + more)
return { 'granted' }
`;

/** Input: ARGV[4] lease, ms; ARGV[5] time to live of the reservation, ms. Output: 'done', 'unknown', 'orphaned'. */
export const RENEW = `${COMMON}${LOAD}
if state ~= 'open' then return state == 'orphaned' and 'orphaned' or 'unknown' end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], now + ARGV[4], id)
openFor(scopes, id, now, ARGV[4])
return 'done'
`;

/**
 * Turns a reservation whose lease is over into an orphan, its money spent; without a record to be made it just ends.
 *
 * Input: ARGV[4] 1 where a record is to be made, else 0; ARGV[5] for how long to remember an ended one, ms.
 * Output: { output tokens, nano-USD }, or {} where it was not due any more.
 */
export const EXPIRE = `${COMMON}${LOAD}
local leaseEnds = redis.call('ZSCORE', KEYS[2], id)
if not leaseEnds or tonumber(leaseEnds) > now then return {} end
if state ~= 'open' then
  redis.call('ZREM', KEYS[2], id)
  return {}
end
for _, charge in ipairs(charged(scopes, starts, epoch)) do
  charge.money.held = charge.money.held - usd
  charge.money.spent = charge.money.spent + usd
  writeMoney(charge.budget, charge.money)
end
closeFor(scopes, id)
if ARGV[4] == '0' then
  forget(id, ARGV[5])
  return {}
end
redis.call('HSET', KEYS[1], 'state', 'orphaned')
redis.call('ZREM', KEYS[2], id)
redis.call('ZADD', KEYS[3], now, id)
return { output, usd }
`;
