import { COMMON } from './common.lua';

/** Takes what a call needs of all its scopes, or of none. */
export const RESERVE = `${COMMON}
--[[
  Input:
    KEYS: the reservation, the group's leases, its orphans, then those of each scope
    ARGV[1] now, or '' for the server's clock
    ARGV[2] epoch: spending that was told under another one is not known
    ARGV[3] lease, milliseconds
    ARGV[4] time to live of the reservation, milliseconds
    ARGV[5] request id
    ARGV[6] the request, JSON
    ARGV[7] names of the budgets, a line each
    ARGV[8] when the call started
    ARGV[9] input tokens
    ARGV[10] least output tokens
    ARGV[11] most output tokens
    ARGV[12] nano-USD
    ARGV[13...] numbers of each scope
  Output:
    { 1, output tokens, states... } granted, now or before
    { 0, scope, reason, wait in ms or -1, spent, held, start, states... } denied; reason: 1 to 4 a rate, 5 concurrency,
      10 + n budget n of the scope is gone, 20 + n it is held
    { 2, n... } the spending of these budgets, counted over all scopes, is not known
    states: of each scope's limited rates what is left, and milliseconds until it is full
]]
local now, epoch, id = clock(ARGV[1]), ARGV[2], ARGV[5]
local input, least, most, usd = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local numbers = {}
for i = 13, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
local scopes = readScopes(numbers, 1, 4)
for _, scope in ipairs(scopes) do readDebts(scope, now) end

local known = redis.call('HMGET', KEYS[1], 'state', 'output')
if known[1] then return states(scopes, { 1, tonumber(known[2] or 0) }) end

local unknown, budgets = {}, {}
for _, scope in ipairs(scopes) do
  for _, budget in ipairs(scope.budgets) do
    budgets[#budgets + 1] = budget
    budget.money = readMoney(budget, epoch)
    if not budget.money then unknown[#unknown + 1] = #budgets end
  end
end
if #unknown > 0 then
  table.insert(unknown, 1, 2)
  return unknown
end

local output = most
for _, scope in ipairs(scopes) do
  if scope.limits[3] >= 0 then output = math.min(output, unitsLeft(scope, 3)) end
  if scope.limits[4] >= 0 then output = math.min(output, math.max(0, unitsLeft(scope, 4) - input)) end
end

local worst
local function meet(s, reason, wait, weight, money)
  if not worst or weight > worst.weight then
    worst = { s = s, reason = reason, wait = wait, weight = weight, money = money }
  end
end
local function meetRate(s, i, units)
  local scope = scopes[s]
  local limit = scope.limits[i]
  if limit < 0 then return end
  if units > limit then return meet(s, i, -1, 2 ^ 1000) end
  local wait = math.ceil((scope.debts[i] + units * MINUTE - limit * MINUTE) / limit)
  if wait > 0 then meet(s, i, wait, wait) end
end
for s, scope in ipairs(scopes) do
  meetRate(s, 1, 1)
  meetRate(s, 2, input)
  if output < least then
    meetRate(s, 3, least)
    meetRate(s, 4, input + least)
  end
  if scope.concurrency >= 0 and openCalls(scope, now) >= scope.concurrency then meet(s, 5, 1000, 1000) end
  for b, budget in ipairs(scope.budgets) do
    local money = budget.money
    if money.spent + money.held + usd > budget.limit then
      if money.spent + usd > budget.limit then meet(s, 10 + b, -1, math.huge, money)
      else meet(s, 20 + b, 1000, 1000, money) end
    end
  end
end
if worst then
  local money = worst.money or { spent = 0, held = 0, start = 0 }
  return states(scopes, { 0, worst.s, worst.reason, worst.wait, money.spent, money.held, money.start })
end

local starts = {}
for b, budget in ipairs(budgets) do
  budget.money.held = budget.money.held + usd
  writeMoney(budget, budget.money)
  starts[b] = string.format('%.0f', budget.money.start)
end
moveUnits(scopes, { 1, input, output, input + output })
keep(id, {
  'state', 'open', 'json', ARGV[6], 'names', ARGV[7], 'at', ARGV[8], 'input', input, 'output', output, 'usd', usd,
  'numbers', table.concat(numbers, ' '), 'starts', table.concat(starts, ' '),
}, now + ARGV[3], ARGV[4])
openFor(scopes, id, now, ARGV[3])
return states(scopes, { 1, output })
`;
