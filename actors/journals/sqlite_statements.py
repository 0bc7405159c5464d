"""What a file of the SQLite journal holds, and every statement that reads or writes it.

entities(shard, kind, key) -> id       the id is the position of the entity's first entry: ids grow with time, so
                                       the entries of recent entities share index pages, and a commit of 60 orders
                                       dirties one random page per *new* order instead of one per entry
entries(position) by (entity, version); a shard is read by passing over the entries of its neighbours, because an
                                       index by shard would dirty a page per shard in every commit
bases(entity): the state in the place of the entries that were trimmed; trimmed(shard), consumers(shard, name)
snapshots(entity), listing(shard, kind, key), epochs(shard), checkpoints(shard), meta(name)
"""

SCHEMA = """
CREATE TABLE entities (
    shard INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (shard, kind, key)
) WITHOUT ROWID;
CREATE TABLE entries (
    position INTEGER PRIMARY KEY, shard INTEGER NOT NULL, entity INTEGER NOT NULL, kind TEXT NOT NULL,
    key TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, events BLOB NOT NULL
);
CREATE UNIQUE INDEX entries_by_entity ON entries (entity, version);
CREATE TABLE snapshots (entity INTEGER PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE listing (
    shard INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (shard, kind, key)
) WITHOUT ROWID;
CREATE TABLE epochs (shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE TABLE checkpoints (shard INTEGER PRIMARY KEY, position INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

SCHEMA_OF_TRIMMING = """
CREATE TABLE IF NOT EXISTS bases (entity INTEGER PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS trimmed (
    shard INTEGER PRIMARY KEY, position INTEGER NOT NULL, times INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS consumers (
    shard INTEGER NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (shard, name)
) WITHOUT ROWID;
"""

# A position is never given out twice, whatever was trimmed.
LAST_POSITION = """
SELECT max(
    ifnull((SELECT max(position) FROM entries), 0), ifnull((SELECT max(entity) FROM snapshots), 0),
    ifnull((SELECT max(entity) FROM bases), 0), ifnull((SELECT max(position) FROM trimmed), 0)
)
"""
EPOCH = "SELECT epoch FROM epochs WHERE shard = ?"
ACQUIRE = "INSERT INTO epochs VALUES (?, 1) ON CONFLICT (shard) DO UPDATE SET epoch = epoch + 1"
ENTITY = "SELECT id FROM entities WHERE shard = ? AND kind = ? AND key = ?"
ADD_ENTITY = "INSERT INTO entities VALUES (?, ?, ?, ?)"
ADD_ENTRY = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
ADD_SNAPSHOT = """
INSERT INTO snapshots VALUES (?, ?, ?)
ON CONFLICT (entity) DO UPDATE SET version = excluded.version, state = excluded.state
WHERE excluded.version >= version
"""
ADD_LISTED = "INSERT OR IGNORE INTO listing VALUES (?, ?, ?)"
SET_CHECKPOINT = "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)"
SNAPSHOT = "SELECT version, state FROM snapshots WHERE entity = ?"
BASE = "SELECT version, state FROM bases WHERE entity = ?"
PASSED = "SELECT name, position FROM consumers WHERE shard = ?"
ADVANCE = """
INSERT INTO consumers VALUES (?, ?, ?)
ON CONFLICT (shard, name) DO UPDATE SET position = max(position, excluded.position)
"""
FORGET = "DELETE FROM consumers WHERE shard = ? AND name = ?"
SET_BASE = "INSERT OR REPLACE INTO bases VALUES (?, ?, ?)"
DROP_ENTRIES = "DELETE FROM entries WHERE entity = ? AND version <= ?"
DROP_SNAPSHOT = "DELETE FROM snapshots WHERE entity = ? AND version <= ?"
SET_TRIMMED = """
INSERT INTO trimmed VALUES (?, ?, 1)
ON CONFLICT (shard) DO UPDATE SET position = max(position, excluded.position), times = times + 1
"""
ENTRIES_OF_ENTITY = """
SELECT position, kind, key, version, at, events FROM entries
WHERE entity = ? AND version > ? ORDER BY version LIMIT ?
"""
ENTRIES_OF_SHARD = """
SELECT position, kind, key, version, at, events FROM entries
WHERE shard = ? AND position > ? ORDER BY position LIMIT ?
"""
ENTRIES_OF_ALL = """
SELECT shard, position, kind, key, version, at, events FROM entries WHERE position > ? ORDER BY position LIMIT ?
"""
KEYS = "SELECT key FROM listing WHERE shard = ? AND kind = ? AND key > ? ORDER BY key LIMIT ?"
ENTITIES = "SELECT kind, key FROM entities WHERE shard = ? AND (kind, key) > (?, ?) ORDER BY kind, key LIMIT ?"
