"""What hosts were started with, in a few letters: an update replaces those that were started with something else."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from .settings import Settings

NOTHING_TO_HOSTS = frozenset(
    {
        "application",
        "behaviour_days",
        "behaviour_journal_hours",
        "behaviour_redis",
        "cache_bytes",
        "cache_redis",
        "demo_products",
        "haproxy_threads",
        "host",
        "hosts",
        "lake",
        "max_body_bytes",
        "max_import_body_bytes",
        "object_store_bytes",
        "port",
        "recommendations",
        "registry",
        "relay",
        "replicas",
        "retrain_days",
        "retrain_hours",
        "settle_wait_s",
        "streams",
        "streams_per_address",
    }
)
"""Settings that only the HTTP side reads: when they change, no host has to be replaced."""

PROGRAM = ("actors", "engine", "serve")
"""The packages that a host runs."""

FEED_PROGRAM = (*PROGRAM, "ml")
"""Those of the feed process."""

LETTERS = 12


def version_of_hosts(settings: Settings) -> str:
    """Differs where the settings differ that hosts read, or the program's source."""
    return _version(settings.model_dump_json(exclude=set(NOTHING_TO_HOSTS)))


def version_of_feed(settings: Settings) -> str:
    """Differs where any setting differs, or the program's source: starting it anew disturbs nobody."""
    return _version(settings.model_dump_json(), FEED_PROGRAM)


def _version(settings: str, program: tuple[str, ...] = PROGRAM) -> str:
    digest = sha256(settings.encode())
    root = Path(__file__).parents[1]
    for package in program:
        for file in sorted((root / package).rglob("*.py")):
            digest.update(str(file.relative_to(root)).encode())
            digest.update(file.read_bytes())
    return f"{version('doorbuster')}-{digest.hexdigest()[:LETTERS]}"
