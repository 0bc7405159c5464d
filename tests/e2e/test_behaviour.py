"""Behaviour over the whole way: HAProxy, the lean front, the journal, the feed process, the lake."""

import time
from pathlib import Path

import httpx
import pytest

from ml.lake.reading import connect

from .running import RunningShop

pytestmark = pytest.mark.e2e

PATIENCE_S = 60.0


def rows_in(lake: Path, visitor: str) -> list[tuple[str, str, str]]:
    with connect(lake, threads=1) as connection:
        question = "SELECT event_id, action, sku FROM behaviour WHERE visitor = ? ORDER BY 1"
        return connection.execute(question, [visitor]).fetchall()


def test_what_a_visitor_did_is_in_the_lake_once_however_often_it_was_sent(shop: RunningShop) -> None:
    events = [{"id": f"e-{number:02}", "type": "view", "sku": f"CLOCK-{number}"} for number in range(60)]
    batch = {"anonymous_id": "browser-of-the-e2e", "events": events}
    answers = [httpx.post(f"{shop.url}/v1/events", json=batch, trust_env=False, timeout=30) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert [answer.json() for answer in answers] == [
        {"recorded": 60, "repeated": 0},
        {"recorded": 0, "repeated": 60},
        {"recorded": 0, "repeated": 60},
    ]
    deadline = time.monotonic() + PATIENCE_S
    while not (rows := rows_in(shop.data / "lake", "browser-of-the-e2e")) and time.monotonic() < deadline:
        time.sleep(0.25)
    assert rows == [(event["id"], "view", event["sku"]) for event in events]
