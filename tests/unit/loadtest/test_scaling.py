"""What a purchase costs in each part of the shop, as a table and a picture."""

from pathlib import Path

from loadtest.measurement import Measurement
from loadtest.scaling import Figures, Shape, draw_chart, markdown

FIGURES = Figures(
    "2 hosts, 1 replica",
    "one SKU",
    [Measurement(5.0, rate, 20.0, 25.0, 50.0, 60.0, {201: 5_000}) for rate in (900.0, 1_000.0, 1_700.0)],
    {"HAProxy": [60.0, 80.0, 70.0], "hosts": [900.0, 1_000.0, 1_100.0]},
)


def test_the_table_has_medians_and_a_sum() -> None:
    row = markdown([FIGURES], 5, 3).splitlines()[-1]
    assert row == "| 2 hosts, 1 replica | one SKU | **1,000** | 20 / 50 | 1,070 | 70 | 0 | 1,000 | 0 | 0 |"


def test_the_chart_is_a_picture(tmp_path: Path) -> None:
    draw_chart([FIGURES], tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_a_shape_without_hosts_is_one_process() -> None:
    assert Shape(0, 1).options == ("--demo-products", "0")
    assert Shape(2, 1).options == ("--demo-products", "0", "--hosts", "2", "--replicas", "1")
