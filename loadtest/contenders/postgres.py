"""FastAPI and PostgreSQL: one hot row, stock and order in one transaction, durable before the answer."""

import asyncio
import glob
import json
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg

from ..errors import DishonestRun, ServerFailed, ToolMissing
from ..processes import ServerProcess
from ..shop import order_body
from ..wrk import Target
from .contender import PRELOADED_UNITS, SKU, HttpContender
from .uvicorn_server import UvicornServer

DEBIAN_BINARIES = "/usr/lib/postgresql/*/bin"
START_TIMEOUT_S = 30.0
INITDB_TIMEOUT_S = 60.0
POOL_SIZE = 4
"""Connections over all workers. The hot row serializes them anyway: a longer queue inside the server only costs."""

SETTINGS = {
    # Durability is what every contender must give, so these are never traded for speed.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Everything fits in memory, and no checkpoint falls into a measurement.
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "min_wal_size": "1GB",
    "checkpoint_timeout": "30min",
    "wal_buffers": "64MB",
    # One server: nothing needs the extra records of a replica, and the planner's compiler only adds delay here.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "max_connections": "64",
    "huge_pages": "try",
    "listen_addresses": "",
}

SCHEMA = """
CREATE TABLE stock (sku text PRIMARY KEY, n bigint NOT NULL CHECK (n >= 0)) WITH (fillfactor = 10);
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    sku text NOT NULL,
    quantity integer NOT NULL,
    email text NOT NULL,
    payment_token text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE stock SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- One round trip and the shortest lock: the order goes in first, the hot row is touched last and is locked only for
-- the commit itself. True: sold; false: sold out, and nothing is written; null: the key was used before.
CREATE FUNCTION buy(order_id uuid, key text, item text, units integer, mail text, token text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders (id, idempotency_key, sku, quantity, email, payment_token)
        VALUES (order_id, key, item, units, mail, token) ON CONFLICT (idempotency_key) DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE stock SET n = n - units WHERE sku = item AND n >= units;
    IF NOT FOUND THEN
        DELETE FROM orders WHERE id = order_id;
        RETURN false;
    END IF;
    RETURN true;
END $$;
"""

BOOKS = "SELECT n, (SELECT coalesce(sum(quantity), 0) FROM orders) FROM stock WHERE sku = $1"


class PostgresHotRow(HttpContender):
    """What most shops run: correct, durable, and limited by one row's lock across each commit."""

    name = "postgres"
    per_purchase = (
        "one transaction in one round trip (prepared call of a function): INSERT of the order with its unique "
        "idempotency key, then UPDATE stock ... WHERE n >= quantity"
    )
    durability = "fsync, synchronous_commit and full_page_writes on"

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.variant = f"{workers} worker" + ("s" if workers > 1 else "")
        self._workers = workers
        self._sockets: Path | None = None
        self._database: ServerProcess | None = None
        self._web: UvicornServer | None = None

    def start(self, workspace: Path) -> None:
        binaries = find_binaries()
        owner = unprivileged_user()
        home = workspace / "postgres"
        home.mkdir()
        if owner:
            shutil.chown(home, owner)
        initialize(binaries, home / "data", owner)
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        self._sockets = home
        self._database = ServerProcess(
            "PostgreSQL",
            [str(binaries / "postgres"), "-D", str(home / "data"), "-k", str(home), *settings],
            workspace / "postgres.log",
            user=owner,
            stop_signal=signal.SIGINT,
        )
        self._database.wait_until(lambda: accepts_connections(binaries, home), START_TIMEOUT_S)
        asyncio.run(create_stock(dsn(home)))
        self._web = UvicornServer(
            "loadtest.contenders.postgres_app:create_app",
            self._workers,
            workspace / "uvicorn.log",
            BENCH_DSN=dsn(home),
            BENCH_POOL_SIZE=str(POOL_SIZE // self._workers),
        )
        self._web.wait_until_ready()

    def target(self) -> Target:
        assert self._web, "started before it is used"
        return Target(f"{self._web.url}/v1/orders", "POST", json.dumps(order_body([SKU])), counted_status=201)

    def sold(self) -> int:
        """Units gone from the row, which must be the units of the orders."""
        assert self._sockets, "started before it is used"
        return asyncio.run(count_sold(self.label, dsn(self._sockets)))

    def stop(self) -> None:
        if self._web:
            self._web.stop()
        if self._database:
            self._database.stop()


def find_binaries() -> Path:
    """The directory of PostgreSQL's server programs: of the one on PATH, else of Debian's newest."""
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    installed = sorted(glob.glob(DEBIAN_BINARIES), key=lambda path: int(Path(path).parent.name.split(".")[0]))
    if not installed:
        raise ToolMissing("PostgreSQL", "run `sudo apt-get install postgresql`")
    return Path(installed[-1])


def unprivileged_user() -> str | None:
    """Who runs the server when we are root, which PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def initialize(binaries: Path, data: Path, owner: str | None) -> None:
    """A new cluster that trusts whoever reaches its socket, which lies in a private directory."""
    run = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "bench", "--auth=trust", "--encoding=UTF8", "--no-sync"],
        capture_output=True,
        text=True,
        timeout=INITDB_TIMEOUT_S,
        user=owner,
        group=pwd.getpwnam(owner).pw_gid if owner else None,
        extra_groups=[] if owner else None,
        cwd="/",
        check=False,
    )
    if run.returncode != 0:
        raise ServerFailed("initdb", f"ended with status {run.returncode}", run.stderr.strip())


def accepts_connections(binaries: Path, sockets: Path) -> bool:
    return subprocess.run([binaries / "pg_isready", "-q", "-h", sockets], check=False).returncode == 0


def dsn(sockets: Path) -> str:
    return f"postgresql://bench@/postgres?host={sockets}"


async def create_stock(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(SCHEMA)
        await connection.execute("INSERT INTO stock VALUES ($1, $2)", SKU, PRELOADED_UNITS)
    finally:
        await connection.close()


async def count_sold(label: str, database: str) -> int:
    connection = await asyncpg.connect(database)
    try:
        # One statement, one snapshot: purchases that the driver hung up on may still be committing.
        left, ordered = await connection.fetchrow(BOOKS, SKU)
    finally:
        await connection.close()
    gone = PRELOADED_UNITS - int(left)
    if gone != ordered:
        raise DishonestRun(label, f"{ordered} units in orders and {gone} gone from stock")
    return gone
