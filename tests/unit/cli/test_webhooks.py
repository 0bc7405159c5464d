"""`doorbuster webhooks replay`: what it asks the shop for."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from serve.cli import webhooks


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ([], {"outcome": "failed", "since": None}),
        (["--all", "--since", "2026-11-27T00:00:00Z"], {"outcome": "all", "since": "2026-11-27T00:00:00Z"}),
    ],
)
def test_it_asks_for_what_was_given_up_or_for_all(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], body: dict[str, Any]
) -> None:
    asked: list[tuple[str, Any]] = []

    def post(path: str, body: Any, **_: str | Path | None) -> Any:
        asked.append((path, body))
        return {"deliveries": 3}

    monkeypatch.setattr(webhooks, "post", post)
    result = CliRunner().invoke(webhooks.command, ["replay", "erp", *arguments])
    assert (asked, "3 deliveries" in result.output) == ([("/v1/admin/webhooks/erp/replay", body)], True)
