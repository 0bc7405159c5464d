"""Which shard owns a key: stable for the life of the data, because journals are laid out by it."""

from zlib import crc32

from engine.kernel import tag_of


def shard_of(key: str, shards: int) -> int:
    """The shard (0 to shards - 1) of the key's tag. CRC-32 spreads well enough and is the same everywhere."""
    return crc32(tag_of(key).encode()) % shards
