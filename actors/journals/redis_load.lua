-- What is recorded of entities: for each, its newest snapshot (or false) and its entries after that, or after a version.
--
-- KEYS: entries, positions, snapshots.
-- ARGV: the version after which entries are wanted (empty: the newest snapshot's), how many at most (0: all), then
--   kind:key of each entity.

local wanted_after, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

local function load(name)
    local snapshot = redis.call('HGET', KEYS[3], name) or redis.call('HGET', KEYS[3], BASE .. name)
    local snapshot_version = snapshot and tonumber(string.match(snapshot, '^%d+')) or 0
    local after = wanted_after or snapshot_version
    local slot = after % SLOTS
    local number = (after - slot) / SLOTS
    -- Up to the newest snapshot a chunk may be missing: the entity lived elsewhere meanwhile.
    local none_missing_from = math.floor(snapshot_version / SLOTS)
    local found = {}
    while true do
        local chunk = redis.call('HGET', KEYS[2], number .. ':' .. name)
        for at = slot * SLOT_BYTES + 1, chunk and #chunk or 0, SLOT_BYTES do
            local position = struct.unpack(SLOT_FORMAT, chunk, at)
            if position > 0 then
                local id = string.format('%.0f-0', position)
                found[#found + 1] = redis.call('XRANGE', KEYS[1], id, id)[1]
                if #found == limit then
                    return {snapshot, found}
                end
            end
        end
        if number >= none_missing_from and (not chunk or #chunk < SLOTS * SLOT_BYTES) then
            return {snapshot, found}
        end
        number, slot = number + 1, 0
    end
end

local loaded = {}
for argument = 3, #ARGV do
    loaded[#loaded + 1] = load(ARGV[argument])
end
return loaded
