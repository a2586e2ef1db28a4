import { COMMON } from './common.lua';

/** Puts back a reservation that the store has lost, room or not. */
export const RESTORE = `${COMMON}
--[[
  Input: as of reserve, but for
    ARGV[10] output tokens held
    ARGV[11] nano-USD held
    ARGV[12...] numbers of each scope
  Output: 1 put back, 0 it is known
]]
local now, epoch, id = clock(ARGV[1]), ARGV[2], ARGV[5]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local usd = tonumber(ARGV[11])
local numbers = {}
for i = 12, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
local scopes = readScopes(numbers, 1, 4)
local starts = {}
for _, scope in ipairs(scopes) do
  for _, budget in ipairs(scope.budgets) do
    local money = readMoney(budget, epoch)
    if money then
      money.held = money.held + usd
      writeMoney(budget, money)
    end
    starts[#starts + 1] = string.format('%.0f', money and money.start or -1)
  end
end
keep(id, {
  'state', 'open', 'json', ARGV[6], 'names', ARGV[7], 'at', ARGV[8], 'input', ARGV[9], 'output', ARGV[10], 'usd', usd,
  'numbers', table.concat(numbers, ' '), 'starts', table.concat(starts, ' '),
}, now + ARGV[3], ARGV[4])
openFor(scopes, id, now, ARGV[3])
return 1
`;

/** Tells what was spent; what is held is counted from the open reservations that began in the period. */
export const PRIME = `${COMMON}
--[[
  Input:
    KEYS[1] the budget
    KEYS[2] the group's leases
    ARGV[1] epoch
    ARGV[2] period
    ARGV[3] its start
    ARGV[4] nano-USD spent in it
    ARGV[5] name of the budget
    ARGV[6] what the keys of the group's reservations begin with (they lie in the slot of KEYS)
  Output: 1 told, 0 it was known
]]
local budget = { key = KEYS[1], period = tonumber(ARGV[2]), start = tonumber(ARGV[3]) }
if readMoney(budget, ARGV[1]) then return 0 end
local held = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local key = ARGV[6] .. id
  local found = redis.call('HMGET', key, 'names', 'starts', 'at', 'usd', 'state')
  if found[5] == 'open' and tonumber(found[3]) >= budget.start then
    local starts, index, here = {}, 0, nil
    for start in string.gmatch(found[2], '%S+') do starts[#starts + 1] = start end
    for name in string.gmatch(found[1], '[^\\n]+') do
      index = index + 1
      if name == ARGV[5] then here = index end
    end
    if here then
      held = held + tonumber(found[4])
      starts[here] = ARGV[3]
      redis.call('HSET', key, 'starts', table.concat(starts, ' '))
    end
  end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'period', ARGV[2])
writeMoney(budget, { start = budget.start, spent = tonumber(ARGV[4]), held = held })
return 1
`;

/** Input: ARGV[1] now or ''; ARGV[2] epoch; then numbers of each scope. KEYS: those of each scope. Changes nothing. */
export const STATE = `${COMMON}
--[[
  Output: for each scope its open calls and the states of its limited rates, and for each budget 1 if its spending is
    known, what is spent, what is held, the start of the period
]]
local now = clock(ARGV[1])
local numbers = {}
for i = 3, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
local reply = {}
for _, scope in ipairs(readScopes(numbers, 1, 1)) do
  readDebts(scope, now)
  reply[#reply + 1] = openCalls(scope, now)
  states({ scope }, reply)
  for _, budget in ipairs(scope.budgets) do
    local money = readMoney(budget, ARGV[2])
    reply[#reply + 1] = money and 1 or 0
    reply[#reply + 1] = money and money.spent or 0
    reply[#reply + 1] = money and money.held or 0
    reply[#reply + 1] = money and money.start or 0
  end
end
return reply
`;
