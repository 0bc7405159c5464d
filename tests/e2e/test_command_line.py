"""The command line beside a running shop: what the first start says and brings, what else it can be told."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from actors.journals.urls import open_journal
from loadtest.processes import answers_ok, clean_environment, free_port
from serve.launcher import processes

from .running import START_TIMEOUT_S, RunningShop

STOP_WITHIN_S = 20.0
"""On a busy machine; it waits for eight at most."""
FOUND_WITHIN_S = 20.0


@pytest.fixture(scope="module")
def new_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A first start with the demo catalogue. The last test ends it."""
    running = RunningShop(
        tmp_path_factory.mktemp("new-shop"), "--demo-products", "20", process_group=True, recommends=True
    )
    running.start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while "Ctrl-C stops everything" not in running.log.read_text():
        assert time.monotonic() < deadline, running.log.read_text()
        time.sleep(0.1)
    yield running
    running.close()


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "serve.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=clean_environment())


def test_the_first_start_prints_a_line_that_buys_something(new_shop: RunningShop) -> None:
    found = re.search(r"^  (curl .*?)\nCtrl-C", new_shop.log.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    answer = subprocess.run(["bash", "-c", found[1]], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout)["status"] == "confirmed"


def test_new_data_gets_the_demo_catalogue(new_shop: RunningShop) -> None:
    assert json.loads((new_shop.data / "demo.json").read_text()) == {"products": 20}
    assert answers_ok(f"{new_shop.url}/v1/products/RETRO-CLOCK")


def test_the_demo_catalogue_is_found_soon_after_the_start(new_shop: RunningShop) -> None:
    until = time.monotonic() + FOUND_WITHIN_S
    while True:
        # The demo catalogue is brought in after the start, as an import would be.
        answer = httpx.get(f"{new_shop.url}/v1/search?facet=vendor", trust_env=False)
        if answer.status_code == 200 and answer.json()["total"] == 20:
            break
        assert answer.status_code in (200, 503), answer.text
        assert time.monotonic() < until, answer.text
        time.sleep(0.1)
    found = answer.json()
    title = found["items"][0]["product"]["title"]
    again = httpx.get(f"{new_shop.url}/v1/search", params={"q": title}, trust_env=False).json()
    assert again["items"][0]["product"]["title"] == title
    assert list((new_shop.data / "search").iterdir()) != []


def test_the_journal_can_be_read_while_the_shop_runs(new_shop: RunningShop) -> None:
    seen = run("journal", "inspect", "stock", "RETRO-CLOCK", "--data", str(new_shop.data))
    assert seen.returncode == 0, seen.stderr
    assert "Received" in seen.stdout
    assert "import:RETRO-CLOCK" in seen.stdout


def test_an_entity_that_never_was_is_said_so(new_shop: RunningShop) -> None:
    seen = run("journal", "inspect", "order", "ord_0", "--data", str(new_shop.data))
    assert seen.returncode == 1
    assert "knows no order ord_0" in seen.stderr


def test_looking_into_a_journal_that_is_not_there_makes_none(tmp_path: Path) -> None:
    seen = run("journal", "inspect", "stock", "RETRO-CLOCK", "--data", str(tmp_path / "none"))
    assert seen.returncode == 1
    assert "There is no journal" in seen.stderr
    assert not (tmp_path / "none").exists()


def test_a_file_of_products_comes_in_once(new_shop: RunningShop, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text("Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\nkite,Kite,RED-KITE,12.50,7\n")
    options = ["--url", new_shop.url, "--data", str(new_shop.data)]
    first, second = (run("import", "products", str(file), *options) for _ in range(2))
    assert "1 created, 0 updated, 0 unchanged, 0 refused" in first.stdout, first.stderr
    assert "0 created, 0 updated, 1 unchanged, 0 refused" in second.stdout, second.stderr
    assert new_shop.api.stock("RED-KITE").on_hand == 7


def test_a_port_that_is_taken_is_said_so(new_shop: RunningShop, tmp_path: Path) -> None:
    second = run("up", "--data", str(tmp_path / "other"), "--port", str(new_shop.port))
    assert second.returncode == 1
    assert f"Can't listen on 127.0.0.1:{new_shop.port}" in second.stderr


def test_other_numbers_of_shards_than_the_datas_are_refused_before_anything_starts(tmp_path: Path) -> None:
    asyncio.run(open_journal(f"sqlite:///{tmp_path / 'journal'}", shards=8).close())
    asked_at = time.monotonic()
    refused = run("up", "--data", str(tmp_path), "--port", str(free_port()), "--shards", "4")
    assert refused.returncode == 1
    assert "was created with 8 shards in 1 volumes, not 4 in 1" in refused.stderr
    assert "Starting Ray" not in refused.stdout
    # The interpreter and its imports: Ray alone would take longer.
    assert time.monotonic() - asked_at < START_TIMEOUT_S / 10


# While it imports, before Ray, and while Ray starts.
@pytest.mark.parametrize(("number", "after_s"), [(signal.SIGTERM, 0.3), (signal.SIGINT, 1.5), (signal.SIGTERM, 4.0)])
def test_a_start_that_is_told_to_stop_ends_as_a_stop_does(
    tmp_path: Path, number: signal.Signals, after_s: float
) -> None:
    shop = RunningShop(tmp_path, "--demo-products", "0")
    with shop.log.open("ab") as output:
        process = subprocess.Popen(shop.command(), stdout=output, stderr=output, env=clean_environment())
    time.sleep(after_s)
    run_id = shop.run_id if (shop.data / "run.json").exists() else ""
    process.send_signal(number)
    assert process.wait(60) == 0, shop.log.read_text()
    assert "Traceback" not in shop.log.read_text()
    assert not run_id or processes.find(run_id) == []
    assert not (shop.data / "run.json").exists()


def test_a_killed_haproxy_comes_back(new_shop: RunningShop) -> None:
    os.kill(new_shop.process_of("bin/haproxy "), signal.SIGKILL)
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers_ok(f"{new_shop.url}/readyz"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_process_group_that_is_told_to_stop_stops_as_a_whole(new_shop: RunningShop) -> None:
    # As `timeout` and service managers do it: Ray's own processes hear the signal too, and are gone before they can
    # be asked to finish anything.
    run_id = new_shop.run_id
    asked_at = time.monotonic()
    os.killpg(new_shop.pid, signal.SIGTERM)
    assert new_shop.stopped() == 0, new_shop.log.read_text()
    assert time.monotonic() - asked_at < STOP_WITHIN_S
    assert processes.find(run_id) == []
    assert not (new_shop.data / "run.json").exists()
    assert not (new_shop.data / "logs").is_symlink()
