-- Appends the batches of one volume together or not at all: every check stands before the first change.
--
-- KEYS, for each batch: head, entries, positions, snapshots, listed.
-- ARGV, for each batch: epoch, numbers of entries, snapshots, listed names and checkpoints (0 or 1), then
--   kind, key, version, at, events of each entry; kind, key, version, state of each snapshot; each listed kind:key;
--   the checkpoint.
-- Returns the position of each batch's last entry (0 without entries), or what is wrong:
--   {"fenced", batch, newest epoch}, {"taken", kind, key, version}, {"gap", kind, key, version}.

local NO_POSITION = string.rep('\0', SLOT_BYTES)
local PAIRS_PER_CALL = 1000

local function version_of(snapshot)
    return snapshot and tonumber(string.match(snapshot, '^%d+')) or 0
end

-- Reads one batch's arguments from ARGV[at] on and checks it; returns what is to be written, or what is wrong.
local function check(number, at)
    local keys = (number - 1) * 5
    local batch = {
        head = KEYS[keys + 1], entries = KEYS[keys + 2], positions = KEYS[keys + 3],
        snapshots = KEYS[keys + 4], listed = KEYS[keys + 5], last = 0, chunks = {}, states = {}, names = {},
    }
    local head = redis.call('HMGET', batch.head, 'epoch', 'position')
    if head[1] ~= ARGV[at] then
        return nil, nil, {'fenced', number, tonumber(head[1] or 0)}
    end
    batch.position = tonumber(head[2] or 0)
    batch.count = tonumber(ARGV[at + 1])
    local snapshots, listed = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local has_checkpoint = ARGV[at + 4] == '1'
    batch.first = at + 5
    at = batch.first + batch.count * 5

    for _ = 1, snapshots do
        local name, version = ARGV[at] .. ':' .. ARGV[at + 1], tonumber(ARGV[at + 2])
        if not batch.states[name] or version >= batch.states[name][1] then
            batch.states[name] = {version, ARGV[at + 3]}
        end
        at = at + 4
    end
    for _ = 1, listed do
        batch.names[#batch.names + 1] = '0'
        batch.names[#batch.names + 1] = ARGV[at]
        at = at + 1
    end
    if has_checkpoint then
        batch.checkpoint = ARGV[at]
        at = at + 1
    end

    for entry = 1, batch.count do
        local argument = batch.first + (entry - 1) * 5
        local kind, key, version = ARGV[argument], ARGV[argument + 1], tonumber(ARGV[argument + 2])
        local name = kind .. ':' .. key
        local slot = (version - 1) % SLOTS
        local chunk_number = (version - 1 - slot) / SLOTS
        local field = chunk_number .. ':' .. name
        local chunk = batch.chunks[field] or redis.call('HGET', batch.positions, field)
        local offset = slot * SLOT_BYTES
        if not chunk then
            chunk = ''
            local before = (chunk_number - 1) .. ':' .. name
            local follows = version == 1
                or slot == 0 and (batch.chunks[before] or redis.call('HEXISTS', batch.positions, before) == 1)
            if not follows then
                -- Readers look for positions chunk by chunk: only up to the newest snapshot may one be missing.
                local brought = batch.states[name] and batch.states[name][1] or 0
                local kept = redis.call('HMGET', batch.snapshots, name, BASE .. name)
                if math.max(brought, version_of(kept[1]), version_of(kept[2])) < version - 1 then
                    return nil, nil, {'gap', kind, key, version}
                end
            end
        elseif #chunk > offset and string.sub(chunk, offset + 1, offset + SLOT_BYTES) ~= NO_POSITION then
            return nil, nil, {'taken', kind, key, version}
        end
        local position = struct.pack(SLOT_FORMAT, batch.position + entry)
        batch.chunks[field] = string.sub(chunk, 1, offset) .. string.rep('\0', offset - #chunk) .. position
            .. string.sub(chunk, offset + SLOT_BYTES + 1)
    end
    return batch, at
end

local function set_in_groups(key, pairs_to_set)
    for first = 1, #pairs_to_set, PAIRS_PER_CALL do
        redis.call('HSET', key, unpack(pairs_to_set, first, math.min(first + PAIRS_PER_CALL - 1, #pairs_to_set)))
    end
end

local function write(batch)
    for entry = 1, batch.count do
        local at = batch.first + (entry - 1) * 5
        redis.call('XADD', batch.entries, string.format('%.0f-0', batch.position + entry), 'kind', ARGV[at],
            'key', ARGV[at + 1], 'version', ARGV[at + 2], 'at', ARGV[at + 3], 'events', ARGV[at + 4])
    end
    local position = batch.position + batch.count
    local chunks = {}
    for field, chunk in pairs(batch.chunks) do
        chunks[#chunks + 1] = field
        chunks[#chunks + 1] = chunk
    end
    set_in_groups(batch.positions, chunks)
    for name, state in pairs(batch.states) do
        if state[1] >= version_of(redis.call('HGET', batch.snapshots, name)) then
            redis.call('HSET', batch.snapshots, name, string.format('%.0f:', state[1]) .. state[2])
        end
    end
    for first = 1, #batch.names, PAIRS_PER_CALL do
        redis.call('ZADD', batch.listed, unpack(batch.names, first, math.min(first + PAIRS_PER_CALL - 1, #batch.names)))
    end
    if batch.count > 0 then
        redis.call('HSET', batch.head, 'position', string.format('%.0f', position))
        batch.last = position
    end
    if batch.checkpoint then
        redis.call('HSET', batch.head, 'checkpoint', batch.checkpoint, 'checkpoint_position',
            string.format('%.0f', position))
    end
end

local batches, at = {}, 1
for number = 1, #KEYS / 5 do
    local batch, following, wrong = check(number, at)
    if wrong then
        return wrong
    end
    batches[number], at = batch, following
end
local positions = {}
for number, batch in ipairs(batches) do
    write(batch)
    positions[number] = batch.last
end
return positions
