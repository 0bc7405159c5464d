"""A copy of a lake in use takes its place, and goes on from there with the journal."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ml.lake import backup as module
from ml.lake.backup import back_up
from serve.cli.main import main

from .shop import Shop, asked, filled, run

pytestmark = pytest.mark.integration

SUMS = "SELECT sum(units), sum(total) FROM sales"


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.open()
    shop.trade(10)
    return shop


def worth(lake: Path) -> dict[str, int]:
    ((units, total),) = asked(lake, SUMS)
    return {"units": units, "total": total}


def test_a_restored_lake_goes_on_with_the_journal(shop: Shop, tmp_path: Path) -> None:
    lake, copy = tmp_path / "data" / "lake", tmp_path / "copy"
    lake.mkdir(parents=True)
    run(filled(shop, lake))
    before = shop.ledger()
    done = CliRunner().invoke(main, ["lake", "backup", str(copy), "--data", str(tmp_path / "data")])
    assert done.exit_code == 0, done.output
    shop.trade(10, seed=2)
    run(filled(shop, lake))
    shutil.rmtree(lake)
    shutil.move(copy, lake)
    assert worth(lake) == before
    run(filled(shop, lake))
    assert worth(lake) == shop.ledger() != before


def test_what_is_replaced_while_it_is_copied_is_copied_as_it_is_then(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, copy = tmp_path / "lake", tmp_path / "copy"
    lake.mkdir()
    run(filled(shop, lake))
    copied = shutil.copyfile
    lost: list[Path] = []

    def copyfile(source: Path, target: Path) -> Any:
        if not lost:
            lost.append(source)
            raise FileNotFoundError(source)
        return copied(source, target)

    monkeypatch.setattr(module.shutil, "copyfile", copyfile)
    back_up(lake, copy)
    assert lost
    assert worth(copy) == shop.ledger()


def test_without_a_lake_there_is_nothing_to_copy(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["lake", "backup", str(tmp_path / "copy"), "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "no lake" in done.output
    assert not (tmp_path / "copy").exists()
