"""What tells whether a file is still what was written."""

from hashlib import file_digest
from pathlib import Path


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
