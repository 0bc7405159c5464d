"""Whole numbers by 8-byte digest, a million of them in 17 MB: a dict would take a hundred.

The digests are spread over buckets; a bucket is rows of digest and number, found by a search in C. They must be made
with a key that nobody outside knows: else somebody could fill one bucket.
"""

from hashlib import blake2b

Digests = dict[int, bytearray]
"""Bucket number to rows. Plain bytes, so it is its own snapshot and costs the garbage collector nothing."""

DIGEST_BYTES = 8
_NUMBER_BYTES = 4
_ROW_BYTES = DIGEST_BYTES + _NUMBER_BYTES

MOST_NUMBER = 2 ** (8 * _NUMBER_BYTES) - 1


def digest_of(key: str, name: str) -> bytes:
    """The digest of a name, with a secret key of 1 to 64 bytes."""
    return blake2b(name.encode(), key=key.encode(), digest_size=DIGEST_BYTES).digest()


def number_of(digests: Digests, digest: bytes) -> int | None:
    """The number that was put for the digest."""
    bucket = digests.get(_bucket_of(digest))
    if bucket is None or (row := _row_of(bucket, digest)) < 0:
        return None
    return int.from_bytes(bucket[row + DIGEST_BYTES : row + _ROW_BYTES], "big")


def put(digests: Digests, digest: bytes, number: int) -> None:
    """Keep a number from 0 to `MOST_NUMBER` for the digest."""
    assert 0 <= number <= MOST_NUMBER, "a row has room for 32 bits"
    data = number.to_bytes(_NUMBER_BYTES, "big")
    bucket = digests.setdefault(_bucket_of(digest), bytearray())
    row = _row_of(bucket, digest)
    if row < 0:
        bucket += digest + data
    else:
        bucket[row + DIGEST_BYTES : row + _ROW_BYTES] = data


def _bucket_of(digest: bytes) -> int:
    # 4,096 buckets: a quarter of a thousand rows in each of them at a million.
    return digest[0] << 4 | digest[1] >> 4


def _row_of(bucket: bytearray, digest: bytes) -> int:
    """Where the row begins, or -1. A match that begins inside of a row is none."""
    found = bucket.find(digest)
    while found >= 0 and found % _ROW_BYTES:
        found = bucket.find(digest, found + 1)
    return found
