"""Where the index's files are: in a directory of this process, which goes with it.

The journal is the truth and the index is made from it at every start, so nothing here is ever repaired or migrated.
"""

import os
import shutil
from pathlib import Path


def own_directory(data: Path) -> Path:
    """A new directory for this process under the shop's data; what processes that are gone left there is deleted."""
    parent = data / "search"
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.iterdir():
        if not (left.name.isdecimal() and _is_running(int(left.name))) or int(left.name) == os.getpid():
            shutil.rmtree(left, ignore_errors=True)
    return parent / str(os.getpid())


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
