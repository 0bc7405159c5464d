"""An import of orders that is killed in the middle: what was done counts once, the rest comes by the next one."""

from pathlib import Path

import pytest

from tests.killed_import import ORDERS, import_killed_and_begun_again
from tests.unit.cli.test_import_orders import KEY, FakeShop, server

pytestmark = pytest.mark.integration

__all__ = ["server"]
"""The fixture."""


def test_an_import_that_is_killed_goes_on_and_nothing_comes_twice(server: FakeShop, tmp_path: Path) -> None:
    key_file = tmp_path / "admin.key"
    key_file.write_text(KEY)
    import_killed_and_begun_again(f"http://127.0.0.1:{server.server_address[1]}", key_file, tmp_path)
    assert len(server.taken) == ORDERS + ORDERS // 10
