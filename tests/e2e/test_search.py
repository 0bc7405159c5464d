"""Search in a running shop."""

import time
from pathlib import Path

import httpx
import pytest

from .running import RunningShop

pytestmark = pytest.mark.e2e

PATIENCE_S = 20.0


def test_the_demo_catalogue_is_found_soon_after_the_start(tmp_path: Path) -> None:
    running = RunningShop(tmp_path, "--demo-products", "20")
    running.start()
    try:
        until = time.monotonic() + PATIENCE_S
        while True:
            # The demo catalogue is brought in after the start, as an import would be.
            answer = httpx.get(f"{running.url}/v1/search?facet=vendor", trust_env=False)
            if answer.status_code == 200 and answer.json()["total"] == 20:
                break
            assert answer.status_code in (200, 503), answer.text
            assert time.monotonic() < until, answer.text
            time.sleep(0.1)
        found = answer.json()
        title = found["items"][0]["product"]["title"]
        again = httpx.get(f"{running.url}/v1/search", params={"q": title}, trust_env=False).json()
        assert again["items"][0]["product"]["title"] == title
        assert list((running.data / "search").iterdir()) != []
    finally:
        running.close()
