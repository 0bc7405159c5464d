"""Tables in files: as text, unzipped if need be."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from ..shopify_csv.reading import CsvError

GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def open_text(file: Path) -> Iterator[tuple[TextIO, BinaryIO]]:
    """The file as text, unzipped if need be, and the file itself, whose position tells how far reading is."""
    with file.open("rb") as raw:
        zipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        plain = gzip.GzipFile(fileobj=raw) if zipped else raw
        try:
            # csv wants line ends as they are: a cell may hold some.
            yield io.TextIOWrapper(plain, encoding="utf-8", newline=""), raw
        except UnicodeDecodeError as error:
            raise CsvError(f"{file} is not UTF-8: save it as 'CSV UTF-8'. ({error.reason})") from error
        except (EOFError, gzip.BadGzipFile) as error:
            raise CsvError(f"{file} is damaged: {error}") from error
