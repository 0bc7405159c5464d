"""An import of orders into a running shop, killed in the middle: what was done counts once, the rest comes."""

from pathlib import Path

import pytest

from tests.killed_import import import_killed_and_begun_again

from .running import RunningShop

pytestmark = pytest.mark.e2e


def test_an_import_that_is_killed_goes_on_and_nothing_comes_twice(shop: RunningShop, tmp_path: Path) -> None:
    import_killed_and_begun_again(shop.url, shop.data / "admin.key", tmp_path)
