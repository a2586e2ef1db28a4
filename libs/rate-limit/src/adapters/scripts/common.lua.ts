/**
 * What every script begins with. Times are milliseconds since the epoch. A debt is what is missing in a token bucket, in
 * units times 60,000 (see core/rate-bucket.ts, which is the same arithmetic): whole numbers below 2^53, so that doubles
 * are exact.
 *
 * `numbers` of a scope: its four limits per minute (requests, input, output, both), its concurrency (-1: no limit), the
 * number of its budgets, and for each of them its limit in nano-USD, its period (0 total, 1 day, 2 week, 3 month) and that
 * period's start. KEYS of a scope: its rates, its open calls, its budgets.
 */
export const COMMON = `
local MINUTE = 60000

local function clock(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function readScopes(numbers, n, k)
  local scopes = {}
  while numbers[n] do
    local scope = {
      limits = { numbers[n], numbers[n + 1], numbers[n + 2], numbers[n + 3] },
      concurrency = numbers[n + 4], budgets = {}, rates = KEYS[k], open = KEYS[k + 1],
    }
    local count = numbers[n + 5]
    n = n + 6
    k = k + 2
    for b = 1, count do
      scope.budgets[b] = { limit = numbers[n], period = numbers[n + 1], start = numbers[n + 2], key = KEYS[k] }
      n = n + 3
      k = k + 1
    end
    scopes[#scopes + 1] = scope
  end
  if KEYS[k] or not KEYS[k - 1] then error('keys and scopes differ') end
  return scopes
end

local function readNumbers(text)
  local numbers = {}
  for number in string.gmatch(text, '%S+') do numbers[#numbers + 1] = tonumber(number) end
  return numbers
end

local function readDebts(scope, now)
  local found = redis.call('HMGET', scope.rates, 'd1', 't1', 'd2', 't2', 'd3', 't3', 'd4', 't4')
  scope.debts = {}
  scope.at = {}
  for i = 1, 4 do
    local debt, at = tonumber(found[2 * i - 1] or 0), tonumber(found[2 * i] or 0)
    scope.debts[i] = math.max(0, debt - scope.limits[i] * math.max(0, now - at))
    scope.at[i] = math.max(at, now)
  end
end

local function unitsLeft(scope, i)
  return math.max(0, math.floor((scope.limits[i] * MINUTE - scope.debts[i]) / MINUTE))
end

local function moveUnits(scopes, units)
  for _, scope in ipairs(scopes) do
    local fields, longest = {}, 0
    for i = 1, 4 do
      if scope.limits[i] >= 0 then
        scope.debts[i] = math.max(0, scope.debts[i] + units[i] * MINUTE)
        fields[#fields + 1] = 'd' .. i
        fields[#fields + 1] = scope.debts[i]
        fields[#fields + 1] = 't' .. i
        fields[#fields + 1] = scope.at[i]
        if scope.limits[i] > 0 then longest = math.max(longest, math.ceil(scope.debts[i] / scope.limits[i])) end
      end
    end
    if #fields > 0 then
      redis.call('HSET', scope.rates, unpack(fields))
      redis.call('PEXPIRE', scope.rates, longest + MINUTE)
    end
  end
end

-- nil: what was spent is not known.
local function readMoney(budget, epoch)
  local found = redis.call('HMGET', budget.key, 'epoch', 'period', 'start', 'spent', 'held')
  if found[1] ~= epoch or tonumber(found[2]) ~= budget.period then return nil end
  local money = { start = tonumber(found[3]), spent = tonumber(found[4]), held = tonumber(found[5]) }
  if budget.start > money.start then money = { start = budget.start, spent = 0, held = 0 } end
  return money
end

local MONEY_TTL = { [1] = 3 * 86400000, [2] = 15 * 86400000, [3] = 64 * 86400000 }

local function writeMoney(budget, money)
  redis.call('HSET', budget.key, 'start', money.start, 'spent', money.spent, 'held', money.held)
  local ttl = MONEY_TTL[budget.period]
  if ttl then redis.call('PEXPIRE', budget.key, ttl) end
end

-- The budgets that still are in the period in which the reservation counts.
local function charged(scopes, starts, epoch)
  local found, index = {}, 0
  for s, scope in ipairs(scopes) do
    for _, budget in ipairs(scope.budgets) do
      index = index + 1
      budget.start = -1
      local money = readMoney(budget, epoch)
      if money and money.start == starts[index] then
        found[#found + 1] = { scope = s, index = index, budget = budget, money = money }
      end
    end
  end
  return found
end

local function states(scopes, reply)
  for _, scope in ipairs(scopes) do
    for i = 1, 4 do
      local limit = scope.limits[i]
      if limit >= 0 then
        reply[#reply + 1] = unitsLeft(scope, i)
        reply[#reply + 1] = limit == 0 and 0 or math.ceil(scope.debts[i] / limit)
      end
    end
  end
  return reply
end

local function openFor(scopes, id, now, lease)
  for _, scope in ipairs(scopes) do
    redis.call('ZADD', scope.open, now + lease, id)
    redis.call('PEXPIRE', scope.open, lease + MINUTE)
  end
end

local function closeFor(scopes, id)
  for _, scope in ipairs(scopes) do redis.call('ZREM', scope.open, id) end
end

local function openCalls(scope, now)
  return redis.call('ZCOUNT', scope.open, '(' .. string.format('%.0f', now), '+inf')
end

-- Of an open call: keeps it with its leases. Nothing of it is lost while somebody may still settle it.
local function keep(id, fields, leaseEnds, ttl)
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], ttl)
  redis.call('ZADD', KEYS[2], leaseEnds, id)
end

local function forget(id, ttl)
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'state', 'settled')
  redis.call('PEXPIRE', KEYS[1], ttl)
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
end
`;
