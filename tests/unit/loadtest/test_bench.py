"""The benchmark's rounds and report, with contenders that do nothing."""

from pathlib import Path

import pytest

from loadtest.bench import Bench, main
from loadtest.contenders import Contender
from loadtest.errors import DishonestRun, LoadTestError, ServerFailed, ToolMissing, UnexpectedAnswer
from loadtest.measurement import Measurement
from loadtest.report import RESULTS_BEGIN, RESULTS_END, Run, fill_results, markdown


class PaperShop(Contender):
    """Sells at a given rate and notes what is done to it; `fault` happens when its books are looked at."""

    per_purchase = "a note"
    durability = "paper"

    def __init__(self, name: str, diary: list[str], rate: float = 100.0, variant: str = "", fault: str = "") -> None:
        self.name = name
        self.variant = variant
        self._diary = diary
        self._rate = rate
        self._fault = fault

    def start(self, workspace: Path) -> None:
        assert workspace.is_dir()
        self._diary.append(f"start {self.label}")

    def measure(self, connections: int, seconds: float) -> Measurement:
        return Measurement(seconds, self._rate * connections, 1.0, 2.0, 3.0, 4.0, {201: 10})

    def verify(self) -> None:
        if self._fault:
            raise DishonestRun(self.label, self._fault)

    def stop(self) -> None:
        self._diary.append(f"stop {self.label}")


def run(*contenders: Contender, rounds: int = 1) -> Run:
    return Bench(contenders, (1, 32), 1, rounds).run()


def test_contenders_take_turns_and_are_alone_on_the_machine() -> None:
    diary: list[str] = []
    run(PaperShop("a", diary), PaperShop("b", diary), rounds=2)
    assert diary == ["start a", "stop a", "start b", "stop b"] * 2


def test_a_dishonest_contender_loses_its_row_and_is_stopped() -> None:
    diary: list[str] = []
    found = run(PaperShop("a", diary, fault="sold 3, acknowledged 2"), PaperShop("b", diary), rounds=2)
    assert [row.name for row in found.rows()] == ["b"]
    assert diary.count("start a") == diary.count("stop a") == 1
    assert "- a: a: sold 3, acknowledged 2" in markdown(found)


def test_the_fastest_variant_makes_the_row() -> None:
    diary: list[str] = []
    slow, fast = (
        PaperShop("redis", diary, 100.0, "1 worker"),
        PaperShop("redis", diary, 200.0, "2 workers"),
    )
    (row,) = run(slow, fast).rows()
    assert row.figures[32].rate_per_s == 6400.0
    assert row.variants == {1: "2 workers", 32: "2 workers"}


def test_a_name_that_nobody_has_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.bench.require_wrk", lambda: "wrk")
    assert main(["--only", "mainframe"]) == 1
    assert "no contender is called mainframe" in capsys.readouterr().err


def test_results_replace_what_stands_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{RESULTS_BEGIN}\nold\n{RESULTS_END}\nafter\n")
    fill_results(page, "new")
    fill_results(page, "newer")
    assert page.read_text() == (
        f"before\n{RESULTS_BEGIN}\nnewer\n{page_chart('benchmarks.png')}\n{RESULTS_END}\nafter\n"
    )


def page_chart(file: str) -> str:
    return "![Purchases of one hot SKU per second (empty: empty answers, doorbuster-soldout: refusals)]" + f"({file})"


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "notes.md"
    page.write_text("my notes\n")
    with pytest.raises(LoadTestError, match="marker"):
        fill_results(page, "new")
    assert page.read_text() == "my notes\n"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ToolMissing("wrk", "install it"), "wrk is not installed: install it"),
        (ServerFailed("Redis", "ended", "no space"), "Redis ended; its last words:\nno space"),
        (UnexpectedAnswer("GET /x", 500, "oh"), "GET /x was answered with 500: oh"),
    ],
)
def test_errors_say_what_to_know(error: LoadTestError, text: str) -> None:
    assert str(error) == text
