/** Counts what a key has open and requested, changing nothing. */
export const STATE_2 = `
--[[
  Input:
    KEYS[1] the key's open reservations: sorted set of request ids by the time they expire
    KEYS[2] the key's requests of one minute: hash of minute and count
    ARGV[1] now, milliseconds since the epoch
  Output:
    { open, requests in the minute of now }
]]
local open = redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf')
local counted = redis.call('HMGET', KEYS[2], 'minute', 'count')
local minute = string.format('%.0f', math.floor(tonumber(ARGV[1]) / 60000))
if counted[1] ~= minute then return { open, 0 } end
return { open, tonumber(counted[2]) }
`;
