"""From behaviour posted over HTTP to a changed recommendation, and models that come, crash and go under load."""

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ml.artifact import Artifact, write_artifact
from ml.interactions import Items, dataset_of
from ml.model import Model
from ml.models.sequential_rules import SequentialRules
from ml.registry.opening import open_registry
from ml.registry.recording import register
from ml.registry.release import Mode
from ml.registry.releases import Releases

from .crashing_model import CrashingModel
from .running import RunningShop

pytestmark = pytest.mark.e2e

PATIENCE_S = 60.0
SERVED_WITHIN_S = 10.0
PAUSE_S = 0.02
CLOCKS = ("REC-RETRO-CLOCK", "REC-BRASS-LAMP", "REC-OAK-TABLE")
SHOES = ("REC-TRAIL-SHOE", "REC-WOOL-SOCK", "REC-RAIN-COAT")
SKUS = (*CLOCKS, *SHOES)
RECOMMENDER = "ServeReplica:models:Recommender"
ASKED = "/v1/recommendations?limit=3"


def taught() -> Model:
    """Whoever looks at one of three looks at the next of them then."""
    visits = [(place, topic + step) for place in range(20) for topic in (0, 3) for step in range(3)]
    model = SequentialRules()
    model.fit(
        dataset_of(
            Items(SKUS),
            [item for _, item in visits],
            range(len(visits)),
            session=[2 * place + (item > 2) for place, item in visits],
        )
    )
    return model


def artifact(folder: Path, model: Model) -> Path:
    write_artifact(folder / model.name, model, Artifact(model=""))
    return folder / model.name


def skus(answer: Any) -> list[str]:
    return [item["sku"] for item in answer["items"]]


class Shoppers:
    """Ask all the time, each as a visitor of their own; what they were answered is counted."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self.statuses: Counter[int | str] = Counter()
        self.variants: Counter[str] = Counter()
        self.slowest_s = 0.0

    @contextmanager
    def asking(self) -> Iterator["Shoppers"]:
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, trust_env=False, timeout=30) as client:
            number = 0
            while not self._ended.wait(PAUSE_S):
                number += 1
                begun = time.monotonic()
                try:
                    answer = client.get(f"{ASKED}&anonymous_id=shopper-{number:05}&sku={SKUS[number % 6]}")
                except httpx.HTTPError as error:
                    self.statuses[type(error).__name__] += 1
                    continue
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
                self.statuses[answer.status_code] += 1
                self.variants[f"{answer.json()['variant']} {answer.json()['version']}"] += 1


def until(true: Callable[[], bool], patience_s: float = PATIENCE_S) -> float:
    """Seconds until it is."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < patience_s
        time.sleep(0.05)
    return time.monotonic() - begun


def test_models_are_deployed_tried_crash_and_are_rolled_back_without_a_failed_request(
    shop: RunningShop, tmp_path: Path
) -> None:
    for sku in SKUS:
        shop.api.put_product(sku, sku.title())
        shop.api.receive(sku, 10)
    client = httpx.Client(base_url=shop.url, trust_env=False, timeout=30)

    def ask(query: str = "") -> Any:
        answer = client.get(ASKED + query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def serving(variant: str) -> Any:
        told = shop.api.request("GET", "/v1/admin/recommendations/serving")["variants"]
        return next((each for each in told if each["variant"] == variant), None)

    def figures() -> str:
        return client.get("/metrics", headers={"Authorization": f"Bearer {shop.api.admin_key}"}).text

    def failures() -> float:
        found = re.findall(r"^doorbuster_challenger_failures_total\S* (\S+)$", figures(), re.MULTILINE)
        return sum(map(float, found))

    def views(sku: str) -> None:
        event = {"id": f"rec-e2e-{sku}", "type": "view", "sku": sku}
        batch = {"anonymous_id": "browser-of-recommendations", "events": [event]}
        assert client.post("/v1/events", json=batch).status_code == 202

    assert ask()["fallback"] == "missing"
    registry = open_registry(f"sqlite:///{shop.data / 'models' / 'registry.sqlite'}")
    releases, at = Releases(registry), datetime.now(UTC)
    champion = register(registry, artifact(tmp_path, taught()), at=at).number
    crashing = register(registry, artifact(tmp_path, CrashingModel()), at=at).number
    # Both are started after the shop is open.
    until(lambda: "ServeReplica:models:Champion" in "".join(shop.processes().values()))
    until(lambda: 'process="recommender-' in figures())
    with Shoppers(shop.url).asking() as shoppers:
        releases.deploy(champion, by="e2e", at=at)
        took_s = until(lambda: ask()["version"] == str(champion), SERVED_WITHIN_S)

        views(CLOCKS[0])
        first = ask("&anonymous_id=browser-of-recommendations")
        views(SHOES[0])
        second = ask("&anonymous_id=browser-of-recommendations")
        assert (first["fallback"], skus(first)[0], skus(second)[0]) == (None, CLOCKS[1], SHOES[1])
        assert second["items"][0]["reason"]["sku"] == SHOES[0]

        releases.deploy(crashing, mode=Mode.AB, share=0.5, by="e2e", at=at)
        until(lambda: serving("challenger") is not None)
        until(lambda: failures() > 0)
        releases.rollback(by="e2e", at=at)
        until(lambda: serving("challenger") is None)
        before = shoppers.variants[f"champion {champion}"]
        until(lambda: shoppers.variants[f"champion {champion}"] > before + 20)

        os.kill(shop.process_of(RECOMMENDER), signal.SIGKILL)
        assert ask()["fallback"] == "missing"
        until(lambda: ask()["version"] == str(champion))
    assert set(shoppers.statuses) == {200}, shoppers.statuses
    assert f"challenger {crashing}" not in shoppers.variants
    assert took_s < SERVED_WITHIN_S
