"""The examples of docs/payments.md are what the program takes and says."""

import json
import re
from pathlib import Path

import pytest

from serve.api.schemas.order import PendingOrder
from serve.cli.payments import reconcile
from serve.gateways.registry import methods_of
from serve.reconciliation import Kind
from serve.resolving import resolve

PAGE = (Path(__file__).parents[2] / "docs" / "payments.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_the_settings_make_both_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doorbuster.toml").write_text(block("toml"))
    assert methods_of(resolve({}).settings) == ("stripe", "paypal")


def test_the_answer_to_a_shopper_who_must_act_is_the_contracts() -> None:
    answer = PendingOrder.model_validate(json.loads(block("json")))
    assert answer.action is not None
    assert answer.action.redirect_url


def test_the_table_tells_every_difference_there_is() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \| .* \|$", PAGE.partition("Do the books agree?")[2], re.MULTILINE) == list(
        Kind
    )


def test_the_commands_options_are_those_of_the_page() -> None:
    options = {name for parameter in reconcile.params for name in parameter.opts}
    assert {"--since", "--repair"} <= options
