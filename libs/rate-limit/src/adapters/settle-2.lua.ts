/** Removes a reservation, and remembers that it is settled. */
export const SETTLE_2 = `
--[[
  Input:
    KEYS[1] the reservation: its record, or 'settled'
    KEYS[2] the key's open reservations: sorted set of request ids by the time they expire
    ARGV[1] request id
    ARGV[2] now, milliseconds since the epoch
    ARGV[3] for how long to remember, milliseconds
  Output:
    1 settled
    0 none was open
]]
if redis.call('GET', KEYS[1]) ~= 'settled' then redis.call('SET', KEYS[1], 'settled', 'PX', ARGV[3]) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2])
return redis.call('ZREM', KEYS[2], ARGV[1])
`;
