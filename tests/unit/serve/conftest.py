"""A fresh shop for each test."""

from collections.abc import Iterator

import pytest

from .shopfront import Shopfront


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront() as front:
        yield front
