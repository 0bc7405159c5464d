"""A shop whose disk fills up or can't be written: it says so, sells nothing wrong, and goes on by itself."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from loadtest.processes import clean_environment
from loadtest.shop import order_body
from tests.small_disk import SmallDisk, small_disk

from .running import RunningShop
from .test_command_line import run

REFUSED_WITHIN_S = 7.0
"""The first purchases of an outage may be tried for two seconds; a client without news waits for ten."""
BACK_WITHIN_S = 20.0


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disks") / "small", 16) as mounted:
        yield mounted


@pytest.fixture(scope="module")
def small_shop(disk: SmallDisk) -> Iterator[RunningShop]:
    """A shop with its data on the small disk; its own output is elsewhere."""
    running = RunningShop(disk.path, "--demo-products", "0")
    running.log = disk.path.parent / "shop.log"
    running.start()
    yield running
    running.close()


def buy(shop: RunningShop, key: str) -> tuple[httpx.Response, float]:
    """One try, and how long it took."""
    began = time.monotonic()
    answer = httpx.post(
        f"{shop.url}/v1/orders", json=order_body(["RETRO-CLOCK"]), headers={"Idempotency-Key": key}, timeout=30
    )
    return answer, time.monotonic() - began


def logged(shop: RunningShop) -> str:
    """What the shop's own processes logged: `docs/operating.md` names the files."""
    lines = [line for log in (shop.data / "logs").glob("worker-*.err") for line in log.read_text().splitlines()]
    return "\n".join(line for line in lines if " doorbuster." in line)


def test_a_full_disk_refuses_purchases_quickly_until_there_is_room(disk: SmallDisk, small_shop: RunningShop) -> None:
    small_shop.api.put_product("RETRO-CLOCK", "Retro clock")
    small_shop.api.receive("RETRO-CLOCK", 1_000)
    told = {key: buy(small_shop, key)[0].json() for key in ("before-1", "before-2")}
    disk.fill()
    refused: list[str] = []
    for number in range(1_000):
        answer, took_s = buy(small_shop, f"full-{number}")
        if answer.status_code == 201:
            # The log's last page and the file system's last block still take some.
            told[f"full-{number}"] = answer.json()
            continue
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/unavailable"
        assert answer.headers["retry-after"]
        assert took_s < REFUSED_WITHIN_S
        refused.append(f"full-{number}")
        if len(refused) == 20:
            break
    assert len(refused) == 20
    # Whoever only looks is answered, and who bought already hears the same again.
    order = told["before-1"]
    token = {"Authorization": f"Bearer {order['access_token']}"}
    seen = httpx.get(f"{small_shop.url}/v1/orders/{order['id']}", headers=token)
    assert (seen.status_code, seen.json()["status"]) == (200, "confirmed")
    assert buy(small_shop, "before-2")[0].json() == told["before-2"]
    assert httpx.get(f"{small_shop.url}/v1/products/RETRO-CLOCK").status_code == 200
    assert small_shop.api.stock("RETRO-CLOCK").on_hand == 1_000 - len(told)
    assert "volume-00.sqlite: the disk is full: free some space" in logged(small_shop)

    disk.make_room()
    deadline = time.monotonic() + BACK_WITHIN_S
    while (answer := buy(small_shop, refused[0])[0]).status_code != 201:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    told[refused[0]] = answer.json()
    told |= {key: buy(small_shop, key)[0].json() for key in refused[1:]}
    assert len({order["id"] for order in told.values()}) == len(told)
    stock = small_shop.api.stock("RETRO-CLOCK")
    assert (stock.on_hand, stock.reserved) == (1_000 - len(told), 0)
    verified = run("journal", "verify", "--data", str(small_shop.data))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    backup = run("journal", "backup", str(backup_of(small_shop)), "--data", str(small_shop.data))
    assert backup.returncode == 0, backup.stderr


def test_a_start_without_room_says_so(disk: SmallDisk, small_shop: RunningShop) -> None:
    assert small_shop.stop() == 0
    disk.fill()
    refused = start(small_shop)
    disk.make_room()
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "Starting Ray" not in refused.stdout
    assert "the disk is full: free some space" in refused.stderr


def test_a_start_on_a_read_only_disk_says_so(disk: SmallDisk, small_shop: RunningShop) -> None:
    disk.remount("ro")
    refused = start(small_shop)
    elsewhere = start(small_shop, "--data", str(disk.path.parent / "other"), "--journal", journal_url(small_shop))
    disk.remount("rw")
    for answer in (refused, elsewhere):
        assert answer.returncode == 1
        assert "Traceback" not in answer.stderr
        assert "Starting Ray" not in answer.stdout
    assert f"The data directory {small_shop.data} can't be used: Read-only file system." in refused.stderr
    assert "volume-00.sqlite: the file or its directory is read-only" in elsewhere.stderr


def test_a_damaged_journal_is_told_after_a_crash_and_a_backup_brings_the_shop_back(
    disk: SmallDisk, small_shop: RunningShop
) -> None:
    file = small_shop.data / "journal" / "volume-00.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[:8_192] + bytes(8_192) + whole[16_384:])
    # What a power cut leaves: the note of a run that nobody ended.
    (small_shop.data / "run.json").write_text('{"id": "crashed"}')
    for _ in range(2):
        refused = start(small_shop)
        assert refused.returncode == 1
        assert "Starting Ray" not in refused.stdout
        assert "volume-00.sqlite: the file is damaged: keep a copy, then restore a backup" in refused.stderr
    # As docs/operating.md says.
    shutil.move(small_shop.data / "journal", disk.path.parent / "damaged")
    for command in (("restore", str(backup_of(small_shop))), ("verify",)):
        done = run("journal", *command, "--data", str(small_shop.data))
        assert done.returncode == 0, done.stdout + done.stderr
    small_shop.start()
    assert small_shop.api.stock("RETRO-CLOCK").on_hand < 1_000
    assert buy(small_shop, "before-1")[0].json()["status"] == "confirmed"


def backup_of(shop: RunningShop) -> Path:
    return shop.data.parent.parent / "backup"


def start(shop: RunningShop, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [*shop.command(), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=clean_environment())


def journal_url(shop: RunningShop) -> str:
    return f"sqlite:///{shop.data / 'journal'}"
