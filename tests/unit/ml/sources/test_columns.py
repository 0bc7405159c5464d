"""One's own files, and how sources are named."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.errors import DataRefused, NotEnoughData
from ml.interactions import NOBODY, Did
from ml.sources.open import open_source

from .small_lake import START_MS, SmallLake

NOW = 1_800_000_000_000
HEADING = "when,visit,who,sku,event,title\n"
ROWS = HEADING + (
    "2026-11-22T10:00:02Z,v-1,,RETRO-CLOCK,add_to_cart,Retro clock\n"
    "2026-11-22T10:00:01,v-1,,WALL-CLOCK,view,Wall clock\n"
    "1795341603,v-2,ada,RETRO-CLOCK,Purchase,\n"
)
MAPPING = "item=sku&at=when&session=visit&customer=who&did=event&title=title"


def written(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["own.csv", "own.csv.gz"])
def test_columns_are_read_by_their_names(tmp_path: Path, name: str) -> None:
    data = open_source(f"columns:{written(tmp_path / name, ROWS)}?{MAPPING}", now=NOW)
    assert [data.items.skus[item] for item in data.item] == ["WALL-CLOCK", "RETRO-CLOCK", "RETRO-CLOCK"]
    assert data.did.tolist() == [Did.VIEW, Did.ADD, Did.PURCHASE]
    assert data.session.tolist() == [0, 0, 1]
    assert data.customer.tolist() == [NOBODY, NOBODY, 0]
    assert data.items.titles[0] == "Retro clock"
    assert data.at[0] == datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC).timestamp() * 1_000


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"sku": ["RETRO-CLOCK", None], "when": [datetime(2026, 11, 22, tzinfo=UTC)] * 2, "n": [2, 1]})
    pq.write_table(table, tmp_path / "own.parquet")
    data = open_source(f"columns:{tmp_path / 'own.parquet'}?item=sku&at=when&quantity=n&bad=skip", now=NOW)
    assert (len(data), data.quantity.tolist(), data.did.tolist()) == (1, [2], [Did.PURCHASE])
    assert data.source["left_out"] == "1 rows, the first of them line 2: no item"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("yesterday,v,a,CLOCK,view,", "yesterday"),
        ("2026-11-22,v,a,,view,", "no item"),
        ("2026-11-22,v,a,CLOCK,dreamt,", "dreamt"),
        ("2026-11-22,v,a,CLOCK,view", "5 cells"),
        ("-5,v,a,CLOCK,view,", "no instant"),
    ],
)
def test_a_row_that_cant_be_read_is_refused_with_its_line_or_counted(tmp_path: Path, row: str, says: str) -> None:
    file = written(tmp_path / "own.csv", f"{ROWS}{row}\n")
    with pytest.raises(DataRefused, match=rf"line 5: .*{says}"):
        open_source(f"columns:{file}?{MAPPING}", now=NOW)
    data = open_source(f"columns:{file}?{MAPPING}&bad=skip", now=NOW)
    assert len(data) == 3
    assert data.source["left_out"].startswith("1 rows")


@pytest.mark.parametrize(
    "text",
    [
        "FILE", "lake:", "lake:/nowhere-at-all", "columns:FILE", "columns:FILE?item=nothing", "columns:FILE?itme=sku",
        "columns:FILE?item=sku&bad=maybe", "columns:FILE?item=sku&timezone=Mars/Olympus", "sessions:FILE?x=1",
    ],
)  # fmt: skip
def test_what_names_no_source_is_refused(tmp_path: Path, text: str) -> None:
    file = written(tmp_path / "own.csv", ROWS)
    with pytest.raises(DataRefused):
        open_source(text.replace("FILE", str(file)), now=NOW)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    for name in ("own.csv", "own.parquet", "own.csv.gz"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00item")
        with pytest.raises(DataRefused):
            open_source(f"columns:{tmp_path / name}?item=item", now=NOW)


def test_an_empty_file_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData):
        open_source(f"columns:{written(tmp_path / 'own.csv', HEADING)}?item=sku", now=NOW)


def test_the_lake_is_opened_by_a_window(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path / "lake")
    for day in range(10):
        lake.did(day * 24 * 60, "view", "RETRO-CLOCK", visitor="browser-1")
    lake.write()
    lake.close()
    now = START_MS + 9 * 86_400_000
    assert len(open_source(f"lake:{lake.directory}?days=3", now=now)) == 4
    assert len(open_source(f"lake:{lake.directory}?from={START_MS + 1}&to={START_MS + 86_400_001}", now=now)) == 1
    with pytest.raises(DataRefused):
        open_source(f"lake:{lake.directory}?days=many", now=now)
