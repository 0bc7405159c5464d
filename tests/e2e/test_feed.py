"""The feed process of a running shop: it reads what is sold, dies, and goes on by itself where it was."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner

from loadtest.processes import clean_environment
from serve.cli.feed import command

from .running import RunningShop

WAIT_S = 60.0


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


def consumers(shop: RunningShop) -> list[dict[str, Any]] | None:
    """Whoever reads, if the feed process answers."""
    answer = httpx.get(f"{shop.url}/v1/admin/feed", headers=admin(shop), trust_env=False)
    return answer.json()["items"] if answer.status_code == 200 else None


def admin(shop: RunningShop) -> dict[str, str]:
    return {"Authorization": f"Bearer {(shop.data / 'admin.key').read_text().strip()}"}


def has_read_all(shop: RunningShop) -> bool:
    found = consumers(shop)
    return found is not None and all(each["positions"] and not each["lag_entries"] for each in found)


def buy(shop: RunningShop, key: str) -> str:
    body = {
        "lines": [{"sku": "FEED-LAMP", "quantity": 1}],
        "email": "ada@example.org",
        "payment": {"method": "sandbox", "token": "tok_ok"},
    }
    answer = httpx.post(f"{shop.url}/v1/orders", json=body, headers={"Idempotency-Key": key}, trust_env=False)
    assert answer.status_code == 201, answer.text
    order_id: str = answer.json()["id"]
    return order_id


def test_the_feed_process_dies_and_goes_on_while_the_shop_sells(shop: RunningShop) -> None:
    shop.api.put_product("FEED-LAMP", "Lamp")
    shop.api.receive("FEED-LAMP", 10)
    wait_for(lambda: has_read_all(shop), "the feed process")
    first = shop.process_of("FeedActor")
    # The threads that read are niced; Ray's own are not.
    threads = [int(path.name) for path in Path(f"/proc/{first}/task").iterdir()]
    assert max(os.getpriority(os.PRIO_PROCESS, thread) for thread in threads) >= 15
    before = buy(shop, "feed-1")
    os.kill(first, signal.SIGKILL)
    after = buy(shop, "feed-2")
    wait_for(lambda: has_read_all(shop), "its successor")
    assert shop.process_of("FeedActor") != first
    tail = [sys.executable, "-m", "serve.cli", "feed", "tail", "--from", "start", "--no-follow"]
    told = subprocess.run(
        [*tail, "--type", "order.confirmed", "--data", str(shop.data)],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
        timeout=60,
    )
    events = [json.loads(line) for line in told.stdout.splitlines()]
    assert {before, after} <= {event["subject"] for event in events}
    assert {event["type"] for event in events} == {"doorbuster.order.confirmed.v1"}


def test_the_command_line_tells_who_reads_and_sends_nobody_back_who_must_not(shop: RunningShop) -> None:
    wait_for(lambda: has_read_all(shop), "the feed process")
    place = ["--url", shop.url, "--data", str(shop.data)]
    told = CliRunner().invoke(command, ["status", *place])
    assert told.exit_code == 0, told.output
    assert "lake" in told.output
    refused = CliRunner().invoke(command, ["replay", "lake", "--from", "start", *place])
    assert refused.exit_code == 1
    assert "409" in refused.output
    assert (
        'doorbuster_feed_lag_entries{consumer="lake"'
        in httpx.get(f"{shop.url}/metrics", headers=admin(shop), trust_env=False).text
    )
