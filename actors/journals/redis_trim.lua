-- Puts states in the place of entries: all of them or none.
--
-- KEYS: head, entries, positions, snapshots, consumers.
-- ARGV: upto, then kind:key, version and state of each base.
-- Returns nothing, or {"needed", who, position} if somebody has not passed `upto` yet.

local IDS_PER_CALL = 1000
local upto = tonumber(ARGV[1])

local function version_of(snapshot)
    return snapshot and tonumber(string.match(snapshot, '^%d+')) or 0
end

local checkpoint = redis.call('HGET', KEYS[1], 'checkpoint_position') or '0'
if tonumber(checkpoint) < upto then
    return {'needed', 'the checkpoint', tonumber(checkpoint)}
end
local consumers = redis.call('HGETALL', KEYS[5])
for at = 1, #consumers, 2 do
    if tonumber(consumers[at + 1]) < upto then
        return {'needed', consumers[at], tonumber(consumers[at + 1])}
    end
end

local gone = {}

-- Clears the positions of the versions up to `last` in one chunk, and notes their entries as gone.
local function clear(field, chunk, last)
    for slot = 0, last do
        local position = struct.unpack(SLOT_FORMAT, chunk, slot * SLOT_BYTES + 1)
        if position > 0 then
            gone[#gone + 1] = string.format('%.0f-0', position)
        end
    end
    local rest = string.sub(chunk, (last + 1) * SLOT_BYTES + 1)
    if rest == '' then
        redis.call('HDEL', KEYS[3], field)
    else
        redis.call('HSET', KEYS[3], field, string.rep('\0', (last + 1) * SLOT_BYTES) .. rest)
    end
end

for argument = 2, #ARGV, 3 do
    local name, version, state = ARGV[argument], tonumber(ARGV[argument + 1]), ARGV[argument + 2]
    local before = version_of(redis.call('HGET', KEYS[4], BASE .. name))
    for number = math.floor(before / SLOTS), math.floor((version - 1) / SLOTS) do
        local field = number .. ':' .. name
        local chunk = redis.call('HGET', KEYS[3], field)
        if chunk then
            clear(field, chunk, math.min(version - 1 - number * SLOTS, #chunk / SLOT_BYTES - 1))
        end
    end
    redis.call('HSET', KEYS[4], BASE .. name, string.format('%.0f:', version) .. state)
    if version_of(redis.call('HGET', KEYS[4], name)) <= version then
        redis.call('HDEL', KEYS[4], name)
    end
end
for first = 1, #gone, IDS_PER_CALL do
    redis.call('XDEL', KEYS[2], unpack(gone, first, math.min(first + IDS_PER_CALL - 1, #gone)))
end
if upto > tonumber(redis.call('HGET', KEYS[1], 'trimmed') or '0') then
    redis.call('HSET', KEYS[1], 'trimmed', string.format('%.0f', upto))
end
redis.call('HINCRBY', KEYS[1], 'trims', 1)
return {}
