"""When hosts have to be replaced by an update, and when not."""

from pathlib import Path
from typing import Any

import pytest

from serve.settings import Settings
from serve.version import NOTHING_TO_HOSTS, version_of_hosts

SETTINGS = Settings(data=Path("/srv/shop"), hosts=2)


def with_change(**change: Any) -> str:
    return version_of_hosts(SETTINGS.model_copy(update=change))


@pytest.mark.parametrize("change", [{"entity_idle_s": 5}, {"journal": "redis://elsewhere"}, {"mailbox_limit": 7}])
def test_a_setting_that_hosts_read_makes_another_version(change: dict[str, Any]) -> None:
    assert with_change(**change) != version_of_hosts(SETTINGS)


@pytest.mark.parametrize("change", [{"replicas": 5}, {"port": 9_000}, {"hosts": 4}, {"settle_wait_s": 1.0}])
def test_a_setting_of_the_http_side_leaves_hosts_alone(change: dict[str, Any]) -> None:
    assert with_change(**change) == version_of_hosts(SETTINGS)


def test_every_setting_that_is_left_out_exists() -> None:
    assert Settings.model_fields.keys() >= NOTHING_TO_HOSTS
