"""What a contender acknowledged must be what it sold, turn by turn."""

from pathlib import Path

import pytest

from loadtest.contenders import contender as module
from loadtest.contenders.contender import HttpContender
from loadtest.errors import DishonestRun, ServerFailed
from loadtest.measurement import Measurement
from loadtest.wrk import Target


class MarketStall(HttpContender):
    """Acknowledges 100 units per measurement and sells `secretly` more."""

    name = "stall"
    per_purchase = "a handshake"
    durability = "memory"

    def __init__(self, secretly: int = 0) -> None:
        super().__init__()
        self._secretly = secretly
        self._sold = 0

    def start(self, workspace: Path) -> None:
        self._sold = self._secretly

    def target(self) -> Target:
        self._sold += 100
        return Target("http://stall.example/v1/orders", "POST", "{}", counted_status=201)

    def sold(self) -> int:
        return self._sold

    def stop(self) -> None:
        self._sold = 0


def answering(monkeypatch: pytest.MonkeyPatch, statuses: dict[int, int]) -> None:
    monkeypatch.setattr(module, "drive", lambda *_: Measurement(1.0, 100.0, 1.0, 1.0, 1.0, 1.0, statuses))


def take_turn(stall: MarketStall) -> None:
    stall.start(Path())
    for connections in (1, 8):
        stall.measure(connections, 1)
    stall.verify()
    stall.stop()


def test_each_turn_has_books_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {201: 100})
    stall = MarketStall()
    take_turn(stall)
    take_turn(stall)


@pytest.mark.parametrize(
    ("secretly", "honest"),
    [(-1, False), (0, True), (9, True), (10, False)],
    ids=["lost", "exact", "hung up", "oversold"],
)
def test_only_what_was_under_way_may_differ(monkeypatch: pytest.MonkeyPatch, secretly: int, honest: bool) -> None:
    answering(monkeypatch, {201: 100})
    stall = MarketStall(secretly)
    if honest:
        take_turn(stall)
    else:
        with pytest.raises(DishonestRun, match="acknowledged 200 and at most 9 unheard"):
            take_turn(stall)


def test_a_contender_that_never_sells_has_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {500: 100})
    with pytest.raises(ServerFailed, match="never answered with 201"):
        take_turn(MarketStall())
