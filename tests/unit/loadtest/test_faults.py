"""What a fault's figures are made of: each must be able to tell a shop that came back from one that did not."""

from pathlib import Path

import pytest

from actors.placement import shard_of as shard_of_the_shop
from engine.stock import stock_key
from loadtest.buyer import CONFIRMED, Attempt
from loadtest.faults.figures import back_after_s, figures_of, percentile
from loadtest.faults.report import Row, markdown, read_rows, write_report
from loadtest.faults.scene import Strike
from loadtest.faults.shards import SHARDS, shard_of, sku_in
from loadtest.faults.steady import Purchase
from loadtest.shop import order_body
from serve.settings import Settings

STRUCK_AT = 100.0
STRIKE = Strike(STRUCK_AT, STRUCK_AT + 5, frozenset([1, 3]))


def order_in(shard: int) -> str:
    return sku_in(shard, "ord")


def purchase(stock: int, order: int, sent_s: float, ended_s: float | None, *answers: str) -> Purchase:
    """A purchase, with times in seconds after the strike."""
    sku = sku_in(stock, "RETRO-CLOCK")
    status = CONFIRMED if ended_s is not None else 0
    attempt = Attempt("k", "/v1/orders", order_body([sku]), status, order_in(order) if status else "")
    ended_at = None if ended_s is None else STRUCK_AT + ended_s
    return Purchase(sku, STRUCK_AT + sent_s, attempt, list(answers or ["201"]), ended_at)


def test_shards_are_those_of_the_shop() -> None:
    assert Settings(journal="sqlite").shards == SHARDS
    for shard in range(SHARDS):
        assert shard_of_the_shop(stock_key(sku_in(shard, "RETRO-CLOCK")), SHARDS) == shard
    assert shard_of_the_shop("ord_6b1f0a5c", SHARDS) == shard_of("ord_6b1f0a5c")


def test_a_shop_is_back_when_the_last_shard_that_was_hit_has_sold_to_a_newcomer() -> None:
    purchases = [
        purchase(1, 1, -0.01, 0.01),  # answered by the host that was dying
        purchase(1, 0, 0.1, 0.6),
        purchase(3, 1, 0.2, 0.4),
        purchase(0, 2, 0.1, 0.11),
    ]
    assert back_after_s(purchases, STRIKE) == pytest.approx(0.4)


def test_a_shard_that_sells_no_more_is_told() -> None:
    purchases = [purchase(1, 1, 0.1, 0.2), purchase(3, 3, 0.1, None)]
    assert back_after_s(purchases, STRIKE) is None
    assert figures_of(purchases, [STRIKE]).never_back == 1


def test_buyers_of_other_shards_are_told_apart() -> None:
    purchases = [purchase(1, 0, 0.1, 0.9), purchase(0, 3, 0.1, 0.7), purchase(0, 2, 0.1, 0.15), purchase(0, 0, 9, 12)]
    figures = figures_of(purchases, [STRIKE])
    assert (figures.slowest_s, figures.others_s) == (pytest.approx(0.8), pytest.approx(0.05))


def test_answers_and_retries_are_counted() -> None:
    purchases = [purchase(1, 1, 0.1, 0.9, "503", "ServerDisconnectedError", "201"), purchase(3, 3, 0.1, 0.2)]
    figures = figures_of(purchases, [STRIKE])
    assert figures.answers == {"201": 2, "503": 1, "ServerDisconnectedError": 1}
    assert (figures.purchases, figures.sent_again) == (2, 1)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 10), (0.99, 20), (0.05, 1)])
def test_a_percentile_is_one_of_the_values(share: float, expected: int) -> None:
    assert percentile(list(range(20, 0, -1)), share) == expected


def test_a_report_keeps_what_earlier_runs_found_out_of_other_faults(tmp_path: Path) -> None:
    figures = figures_of([purchase(1, 3, 0.1, 0.9)], [STRIKE])
    first, second = (Row(name, f"{name} dies", figures, 1, 0, 0, [], [""]) for name in ("haproxy", "host"))
    write_report([first], tmp_path, ["host", "haproxy"])
    write_report([second], tmp_path, ["host", "haproxy"])
    assert read_rows(tmp_path / "faults.json") == [second, first]
    assert (tmp_path / "faults.md").read_text() == markdown([second, first])


def test_the_table_says_what_was_lost() -> None:
    figures = figures_of([purchase(1, 1, 0.1, 0.9), purchase(3, 3, 0.1, 0.2)], [STRIKE])
    table = markdown([Row("host", "a host is killed", figures, 12_345, 2, 1, ["sold + left: 9"], ["", "3 refused"])])
    assert "| a host is killed | 1 | 2 x 201; 0 of 2 sent again | 0.90 / 0.90 s |" in table
    assert "| 2 of 12,345 orders | 1 units | 3 refused; sold + left: 9 |" in table
