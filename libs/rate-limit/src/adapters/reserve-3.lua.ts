/** Records a reservation, once per request. */
export const RESERVE_3 = `
--[[
  Input:
    KEYS[1] the reservation: its record, or 'settled'
    KEYS[2] the key's open reservations: sorted set of request ids by the time they expire
    KEYS[3] the key's requests of one minute: hash of minute and count
    ARGV[1] request id
    ARGV[2] record, JSON
    ARGV[3] now, milliseconds since the epoch
    ARGV[4] time to live, milliseconds
  Output:
    1 recorded
    0 it was there already, or is settled already
]]
if not redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', ARGV[4]) then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[3])
redis.call('ZADD', KEYS[2], tonumber(ARGV[3]) + tonumber(ARGV[4]), ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
local minute = string.format('%.0f', math.floor(tonumber(ARGV[3]) / 60000))
if redis.call('HGET', KEYS[3], 'minute') ~= minute then
  redis.call('HSET', KEYS[3], 'minute', minute, 'count', 0)
end
redis.call('HINCRBY', KEYS[3], 'count', 1)
redis.call('PEXPIRE', KEYS[3], 120000)
return 1
`;
